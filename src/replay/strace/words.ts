/** Names in a recording to what they stand for, without making strings of them: a hash table over bytes. */
import { encodeUtf8 } from '../../platform/index.ts';
import { isWord, type Scanner } from './scanner.ts';

const FACTOR = 31;

export class Words<T> {
  readonly #mask: number;
  readonly #names: (Uint8Array | undefined)[];
  readonly #values: (T | undefined)[];

  constructor(entries: Iterable<readonly [name: string, value: T]>) {
    const all = [...entries];
    let size = 16;
    while (size < all.length * 2) size *= 2;
    this.#mask = size - 1;
    this.#names = new Array<Uint8Array | undefined>(size).fill(undefined);
    this.#values = new Array<T | undefined>(size).fill(undefined);
    for (const [name, value] of all) {
      const bytes = encodeUtf8(name);
      let at = bytes.reduce((hash, c) => (Math.imul(hash, FACTOR) + c) | 0, 0) & this.#mask;
      while (this.#names[at] !== undefined) at = (at + 1) & this.#mask;
      this.#names[at] = bytes;
      this.#values[at] = value;
    }
  }

  /** Reads the letters, digits and underscores at the place, and answers what they stand for, if anything. */
  read(s: Scanner): T | undefined {
    const { bytes, end } = s;
    const from = s.at;
    let to = from;
    let hash = 0;
    for (; to < end; to++) {
      const c = bytes[to] as number;
      if (!isWord(c)) break;
      hash = (Math.imul(hash, FACTOR) + c) | 0;
    }
    s.at = to;
    const length = to - from;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const name = this.#names[slot];
      if (name === undefined) return undefined;
      if (name.length !== length) continue;
      let n = 0;
      while (n < length && name[n] === bytes[from + n]) n++;
      if (n === length) return this.#values[slot];
    }
  }
}
