import { capture, reinstate } from '../../core/state.ts';

/** Objects of one kind by id: ids grow and are not used again (`idr_alloc_cyclic`). */
export class Ids<T extends { id: number }> {
  readonly #objects = new Map<number, T>();
  #next = 1;
  save() {
    return capture({ objects: this.#objects, next: this.#next });
  }
  restore(state: ReturnType<Ids<T>['save']>): void {
    this.#next = reinstate(state).next;
  }
  add(object: T): number {
    object.id = this.#next++;
    this.#objects.set(object.id, object);
    return object.id;
  }
  remove(object: T): void {
    this.#objects.delete(object.id);
  }
  get(id: number): T | undefined {
    return this.#objects.get(id);
  }
  /** The smallest id above `id`. */
  after(id: number): number | undefined {
    // in the order of their making, so by id
    for (const n of this.#objects.keys()) if (n > id) return n;
    return undefined;
  }
  values(): IterableIterator<T> {
    return this.#objects.values();
  }
}
