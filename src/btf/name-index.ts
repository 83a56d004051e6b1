/**
 * Types by name, without making a string of any name: a chained hash table over the bytes.
 *
 * What is hashed is the essential name, the part before `___flavour` (libbpf's
 * `bpf_core_essential_name_len`), so that one table answers exact look-ups and CO-RE's.
 */
import { decodeUtf8, encodeUtf8 } from '../platform/index.ts';

/** Length of `name` without its flavour: the last `___` that has something other than `_` on both sides ends it. */
export function essentialLength(bytes: Uint8Array, start: number, length: number): number {
  for (let n = length - 5; n >= 0; n--) {
    const at = start + n;
    if (
      bytes[at] !== 0x5f &&
      bytes[at + 1] === 0x5f &&
      bytes[at + 2] === 0x5f &&
      bytes[at + 3] === 0x5f &&
      bytes[at + 4] !== 0x5f
    )
      return n + 1;
  }
  return length;
}

/** Essential part of a name: `task_struct___old` is about `task_struct`. */
export function essentialName(name: string): string {
  const bytes = encodeUtf8(name);
  const length = essentialLength(bytes, 0, bytes.length);
  return length === bytes.length ? name : decodeUtf8(bytes, 0, length);
}

function hash(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let at = start; at < end; at++) h = Math.imul(h ^ (bytes[at] as number), 0x01000193);
  return (h ^ (h >>> 15)) >>> 0;
}

/** Longest name that can be found; KSYM_NAME_LEN is 512. */
const MAX_NAME = 4096;

export class NameIndex {
  readonly #strings: Uint8Array;
  readonly #nameOff: Uint32Array;
  readonly #heads: Int32Array;
  readonly #next: Int32Array;
  readonly #mask: number;

  /** @param nameOff offset in `strings` of each type's name, by index; 0 = anonymous */
  constructor(strings: Uint8Array, nameOff: Uint32Array) {
    let buckets = 16;
    while (buckets < nameOff.length) buckets *= 2;
    this.#strings = strings;
    this.#nameOff = nameOff;
    this.#mask = buckets - 1;
    this.#heads = new Int32Array(buckets).fill(-1);
    this.#next = new Int32Array(nameOff.length);
    // From the last to the first, so that chains run in ascending order: the first type of a name wins.
    for (let n = nameOff.length - 1; n >= 0; n--) {
      const start = nameOff[n] as number;
      if (start === 0) continue;
      let end = start;
      let plain = true;
      while (strings[end] && end - start <= MAX_NAME) {
        if (strings[end] === 0x5f && strings[end + 1] === 0x5f && strings[end + 2] === 0x5f) plain = false;
        end++;
      }
      // No kernel takes such a name, and thousands of offsets into one would each be hashed.
      if (end - start > MAX_NAME) continue;
      if (!plain) end = start + essentialLength(strings, start, end - start);
      const bucket = hash(strings, start, end) & this.#mask;
      this.#next[n] = this.#heads[bucket] as number;
      this.#heads[bucket] = n;
    }
  }

  /** Indices of types named so, ascending. With `flavours`, also those named so before a `___flavour`. */
  *find(name: string, flavours = false): Generator<number> {
    const wanted = encodeUtf8(name);
    const essential = essentialLength(wanted, 0, wanted.length);
    const strings = this.#strings;
    for (let n = this.#heads[hash(wanted, 0, essential) & this.#mask] as number; n >= 0; n = this.#next[n] as number) {
      const start = this.#nameOff[n] as number;
      let same = 0;
      while (same < wanted.length && strings[start + same] === wanted[same]) same++;
      if (same !== wanted.length) continue;
      let end = start + same;
      if (!strings[end]) yield n;
      else if (flavours) {
        while (strings[end]) end++;
        if (essentialLength(strings, start, end - start) === wanted.length) yield n;
      }
    }
  }
}
