/**
 * The entries of a hash map one after the other, as user space gets them: what follows a key is what follows it in the
 * table at that moment, and a key that is gone starts over (Linux 6.12 Documentation/bpf/map_hash.rst).
 */
import type { Buckets } from './buckets.ts';

/** What it needs of the map. Elements are named by physical addresses. */
export interface EntrySource {
  readonly table: Buckets;
  key(at: number): Uint8Array;
  value(at: number): Uint8Array;
  /** the element with a key; 0 where there is none */
  locate(key: Uint8Array): number;
  /** offset of the value in an element */
  readonly valueAt: number;
}
type Entry = [key: Uint8Array, value: Uint8Array];

/** `%IteratorPrototype%`, whose methods iterators of newer hosts have: map, take, toArray and so on. */
const IteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([].values())) as object;

export class HashEntries implements IterableIterator<Entry> {
  readonly #source: EntrySource;
  readonly #before: () => void;
  /** elements that come next, as long as the table is what it was at #changes */
  #coming: Int32Array = new Int32Array(0);
  #at = 0;
  #changes = -1;
  #last: Uint8Array | undefined;
  #ended = false;

  constructor(source: EntrySource, before: () => void) {
    this.#source = source;
    this.#before = before;
  }
  [Symbol.iterator](): this {
    return this;
  }
  next(): IteratorResult<Entry, undefined> {
    if (this.#ended) return { done: true, value: undefined };
    this.#before();
    const { table } = this.#source;
    if (this.#at === this.#coming.length || this.#changes !== table.changes) this.#gather();
    if (this.#at === this.#coming.length) return this.return();
    const at = this.#coming[this.#at++]!;
    this.#last = this.#source.key(at);
    return { done: false, value: [this.#last, this.#source.value(at)] };
  }
  return(): IteratorResult<Entry, undefined> {
    this.#ended = true;
    return { done: true, value: undefined };
  }

  #gather(): void {
    const { table, valueAt } = this.#source;
    const after = this.#last === undefined ? 0 : this.#source.locate(this.#last);
    this.#coming = table.gather(after, valueAt);
    this.#at = 0;
    this.#changes = table.changes;
  }
}
Object.setPrototypeOf(HashEntries.prototype, IteratorPrototype);
