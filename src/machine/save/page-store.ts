/**
 * Marks of physical memory. A mark is a table of pages in chunks: pages that did not change between two marks are the
 * same object in both, and so are chunks, so a mark costs what has changed since the last one, and any mark can be gone
 * to from any state, in either direction. What no mark refers to any more the collector takes.
 *
 * Only pages that something was told to use are looked at ({@link Touched}): all others are zero.
 */
import { PAGE_SIZE, SCAN_PHYS } from '../layout.ts';
import { BATCH, HASH_WORDS, pageScanner } from './page-hash.ts';
import type { Touched } from './touched.ts';

const CHUNK = 256;
const WORDS = PAGE_SIZE / 4;

/** A page's words; undefined: all zero. */
type Page = Int32Array | undefined;
type Chunk = readonly Page[];

/** What physical memory held. Opaque but for its size. */
export interface PageMark {
  readonly chunks: readonly (Chunk | undefined)[];
  /** bytes that this mark was the first to keep */
  readonly added: number;
}

export class PageStore {
  readonly #i32: Int32Array;
  readonly #touched: Touched;
  readonly #scan: (phys: number, pages: number) => void;
  /** memory as it was at the last save or restore */
  #chunks: (Chunk | undefined)[];
  /** its fingerprints, {@link HASH_WORDS} a page, each exclusive-or that of an empty page: nothing is filled in for those */
  readonly #hashes: Int32Array;
  readonly #empty: Int32Array;

  constructor(memory: WebAssembly.Memory, touched: Touched) {
    const pages = memory.buffer.byteLength / PAGE_SIZE;
    this.#i32 = new Int32Array(memory.buffer);
    this.#touched = touched;
    this.#scan = pageScanner(memory);
    this.#chunks = new Array<Chunk | undefined>(Math.ceil(pages / CHUNK)).fill(undefined);
    this.#hashes = new Int32Array(pages * HASH_WORDS);
    this.#empty = this.#hashOfEmpty();
  }

  save(): PageMark {
    const chunks = this.#chunks.slice();
    const fresh = new Set<number>();
    let added = 0;
    this.#changed((page) => {
      const n = Math.floor(page / CHUNK);
      if (!fresh.has(n)) {
        chunks[n] = chunks[n]?.slice() ?? new Array<Page>(CHUNK).fill(undefined);
        fresh.add(n);
      }
      const at = page * WORDS;
      const isZero = this.#isZero(page);
      (chunks[n] as Page[])[page % CHUNK] = isZero ? undefined : this.#i32.slice(at, at + WORDS);
      if (!isZero) added += PAGE_SIZE;
    });
    this.#chunks = chunks;
    return { chunks: chunks.slice(), added };
  }

  /** Makes memory what it was; `each` is told of every page that was not. */
  restore(mark: PageMark, each: (phys: number) => void): void {
    const stale = new Set<number>();
    this.#changed((page) => stale.add(page));
    for (let n = 0; n < mark.chunks.length; n++) {
      const from = this.#chunks[n];
      const to = mark.chunks[n];
      if (from === to) continue;
      for (let i = 0; i < CHUNK; i++) if (from?.[i] !== to?.[i]) stale.add(n * CHUNK + i);
    }
    for (const page of stale) {
      const content = mark.chunks[Math.floor(page / CHUNK)]?.[page % CHUNK];
      const at = page * WORDS;
      if (content === undefined) this.#i32.fill(0, at, at + WORDS);
      else this.#i32.set(content, at);
      this.#rehash(page);
      each(page * PAGE_SIZE);
    }
    this.#chunks = mark.chunks.slice();
  }

  /** Pages that are not as {@link #chunks} has them; their fingerprints are up to date afterwards. */
  #changed(each: (page: number) => void): void {
    const hashes = this.#hashes;
    const i32 = this.#i32;
    const empty = this.#empty;
    this.#touched.runs(BATCH, (first, count) => {
      this.#scan(first * PAGE_SIZE, count);
      let from = SCAN_PHYS >> 2;
      for (let page = first; page < first + count; page++, from += HASH_WORDS) {
        const at = page * HASH_WORDS;
        let differs = 0;
        for (let w = 0; w < HASH_WORDS; w++) differs |= hashes[at + w]! ^ empty[w]! ^ i32[from + w]!;
        if (differs === 0) continue;
        for (let w = 0; w < HASH_WORDS; w++) hashes[at + w] = i32[from + w]! ^ empty[w]!;
        each(page);
      }
    });
  }

  #rehash(page: number): void {
    this.#scan(page * PAGE_SIZE, 1);
    const from = SCAN_PHYS >> 2;
    for (let w = 0; w < HASH_WORDS; w++) this.#hashes[page * HASH_WORDS + w] = this.#i32[from + w]! ^ this.#empty[w]!;
  }

  #isZero(page: number): boolean {
    for (let w = 0; w < HASH_WORDS; w++) if (this.#hashes[page * HASH_WORDS + w] !== 0) return false;
    return true;
  }

  /** The first page of the machine's own area stays empty. */
  #hashOfEmpty(): Int32Array {
    this.#scan(0, 1);
    return this.#i32.slice(SCAN_PHYS >> 2, (SCAN_PHYS >> 2) + HASH_WORDS);
  }
}
