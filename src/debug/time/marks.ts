/** Marks of a session by their time, thinned where they take too much: the older, the wider apart. */
import type { Kernel, KernelMark } from '../../../kernel-sim/index.ts';

const PAGE_BYTES = 4096;
/** what a mark takes besides pages: the kernel's own objects, roughly */
const STATE_BYTES = 96 << 10;

export interface Mark {
  /** instructions since the recording's start */
  readonly count: number;
  readonly kernel: KernelMark;
}

interface Held {
  readonly mark: Mark;
  /** bytes of pages that the mark before does not have */
  bytes: number;
}

export class Marks {
  readonly #kernel: Kernel;
  readonly #limit: number;
  readonly #held: Held[] = [];
  #bytes = 0;

  /** `limit`: bytes that they may take; the first and the last are always kept */
  constructor(kernel: Kernel, limit: number) {
    this.#kernel = kernel;
    this.#limit = limit;
  }

  get bytes(): number {
    return this.#bytes;
  }
  get size(): number {
    return this.#held.length;
  }
  get counts(): number[] {
    return this.#held.map((h) => h.mark.count);
  }

  /** Marks this moment, unless it is marked. */
  add(count: number): void {
    const at = this.#index(count);
    if (this.#held[at]?.mark.count === count) return;
    const mark = { count, kernel: this.#kernel.save() };
    this.#held.splice(at + 1, 0, { mark, bytes: 0 });
    this.#measure(at + 1);
    this.#measure(at + 2);
    const now = (this.#held.at(-1) as Held).mark.count;
    while (this.#bytes > this.#limit && this.#held.length > 2) this.#drop(this.#leastUseful(now));
  }
  /** The last mark at or in front of a moment. */
  before(count: number): Mark | undefined {
    return this.#held[this.#index(count)]?.mark;
  }
  /** Moments from which on the marks are no longer true are forgotten. */
  forgetFrom(count: number): void {
    const from = this.#index(count) + 1;
    for (const { bytes } of this.#held.splice(from)) this.#bytes -= bytes;
  }

  #index(count: number): number {
    let lo = 0;
    let hi = this.#held.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if ((this.#held[mid] as Held).mark.count <= count) lo = mid + 1;
      else hi = mid;
    }
    return lo - 1;
  }

  #measure(n: number): void {
    const held = this.#held[n];
    if (held === undefined) return;
    this.#bytes -= held.bytes;
    held.bytes = STATE_BYTES + newPages(this.#held[n - 1]?.mark.kernel, held.mark.kernel) * PAGE_BYTES;
    this.#bytes += held.bytes;
  }
  #drop(n: number): void {
    for (const { bytes } of this.#held.splice(n, 1)) this.#bytes -= bytes;
    // pages that it had first are the next one's now
    this.#measure(n);
  }
  /** The one whose gap would be the smallest for how long ago it is. */
  #leastUseful(now: number): number {
    let best = 1;
    let least = Number.POSITIVE_INFINITY;
    for (let n = 1; n < this.#held.length - 1; n++) {
      const [before, at, after] = [n - 1, n, n + 1].map((i) => (this.#held[i] as Held).mark.count) as [
        number,
        number,
        number,
      ];
      const worth = (after - before) / (now - at + 1);
      if (worth < least) {
        least = worth;
        best = n;
      }
    }
    return best;
  }
}

/** Pages of a mark that an earlier one has not. */
function newPages(before: KernelMark | undefined, mark: KernelMark): number {
  const old = before?.machine.memory.pages.chunks;
  let count = 0;
  mark.machine.memory.pages.chunks.forEach((chunk, n) => {
    const other = old?.[n];
    if (chunk === undefined || chunk === other) return;
    for (let i = 0; i < chunk.length; i++) if (chunk[i] !== undefined && chunk[i] !== other?.[i]) count++;
  });
  return count;
}
