/**
 * Which physical pages may hold something: those that an allocator gave out, that were mapped, or that a translation
 * for writing was asked for. All others were never written, unless translated code wrote through the direct map to where
 * it has no business, as only programs that skipped the verifier can: {@link Touched.everything} is for those.
 */
import { PAGE_SIZE } from '../layout.ts';

export class Touched {
  readonly #pages: Uint8Array;
  /** the guest's RAM: pages below are the machine's own, those behind the host's */
  readonly #first: number;
  readonly #end: number;

  /** `bytes` in whole, of which the guest's RAM is from `first` to `end` */
  constructor(bytes: number, first: number, end: number) {
    this.#pages = new Uint8Array(bytes / PAGE_SIZE);
    this.#first = first / PAGE_SIZE;
    this.#end = end / PAGE_SIZE;
  }

  add(phys: number, bytes: number): void {
    const start = Math.floor(phys / PAGE_SIZE);
    this.#pages.fill(1, start, Math.ceil((phys + bytes) / PAGE_SIZE));
  }

  /** The page at `phys` is about to be written. */
  page(phys: number): void {
    this.#pages[Math.floor(phys / PAGE_SIZE)] = 1;
  }

  /** From now on every page of RAM is looked at: slower by the size of the memory. */
  everything(): void {
    this.#pages.fill(1, this.#first, this.#end);
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
