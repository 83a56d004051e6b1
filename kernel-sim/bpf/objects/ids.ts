import { capture, reinstate } from '../../core/state.ts';

/** Objects of one kind by id: ids grow and are not used again (`idr_alloc_cyclic`). */
export class Ids<T extends { id: number }> {
  readonly #objects = new Map<number, T>();
  #next: number;
  #first: number | undefined;
  constructor(first = 1) {
    this.#next = first;
  }
  save() {
    return capture({ objects: this.#objects, next: this.#next, first: this.#first });
  }
  restore(state: ReturnType<Ids<T>['save']>): void {
    const { next, first } = reinstate(state);
    this.#next = next;
    this.#first = first;
  }
  add(object: T): number {
    object.id = this.#next++;
    this.#objects.set(object.id, object);
    return object.id;
  }
  /** An object whose id is kept for it, below all others. */
  addFirst(object: T, id: number): void {
    object.id = id;
    this.#first = id;
    this.#objects.set(id, object);
  }
  remove(object: T): void {
    this.#objects.delete(object.id);
  }
  get(id: number): T | undefined {
    return this.#objects.get(id);
  }
  all(): Iterable<T> {
    return this.#objects.values();
  }
  /** The smallest id above `id`. */
  after(id: number): number | undefined {
    let next: number | undefined;
    // in the order of their making, so by id, but for the one that was there before all
    for (const n of this.#objects.keys()) {
      if (n <= id) continue;
      if (next === undefined || n < next) next = n;
      if (this.#first === undefined) break;
    }
    return next;
  }
  values(): IterableIterator<T> {
    return this.#objects.values();
  }
}
