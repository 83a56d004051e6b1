/**
 * Which physical pages may hold something: those that an allocator gave out or that were mapped. All others were never
 * written, unless guest code wrote through the direct map to where it has no business, as only programs that skipped
 * the verifier can: {@link Touched.everything} is for those.
 */
import { PAGE_SIZE } from '../layout.ts';

export class Touched {
  readonly #pages: Uint8Array;
  /** pages below this one are the machine's own */
  readonly #first: number;

  constructor(bytes: number, first: number) {
    this.#pages = new Uint8Array(bytes / PAGE_SIZE);
    this.#first = first / PAGE_SIZE;
  }

  add(phys: number, bytes: number): void {
    const start = Math.floor(phys / PAGE_SIZE);
    this.#pages.fill(1, start, Math.ceil((phys + bytes) / PAGE_SIZE));
  }

  /** From now on every page is looked at: slower by the size of the memory. */
  everything(): void {
    this.#pages.fill(1, this.#first);
  }

  /** Runs of touched pages, `most` pages or shorter. */
  runs(most: number, each: (first: number, count: number) => void): void {
    const pages = this.#pages;
    for (let at = pages.indexOf(1, this.#first); at >= 0; ) {
      const gap = pages.indexOf(0, at);
      const end = gap < 0 ? pages.length : gap;
      for (; at < end; at += most) each(at, Math.min(most, end - at));
      at = pages.indexOf(1, end);
    }
  }
}
