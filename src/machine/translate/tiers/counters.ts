/** How often control came to an address. A direct-mapped table: a collision only delays a translation. */
import type { Addr } from '../../addr.ts';

const SLOTS = 8192;
/** counts that mean something else */
export const TRANSLATED = -1;
export const NEVER = -2;

export class Counters {
  private readonly tags = new Int32Array(SLOTS);
  private readonly counts = new Int32Array(SLOTS);

  private slot(lo: number): number {
    return (lo ^ (lo >>> 13)) & (SLOTS - 1);
  }

  /** Counts so many more; the count so far, or {@link TRANSLATED} or {@link NEVER}. `first` says which where nothing is known. */
  bump(target: Addr, times: number, first: (target: Addr) => number): number {
    const lo = target | 0;
    const slot = this.slot(lo);
    if (this.tags[slot] !== lo) {
      this.tags[slot] = lo;
      this.counts[slot] = first(target);
    }
    const count = this.counts[slot]!;
    if (count >= 0) this.counts[slot] = count + times;
    return count;
  }

  set(target: Addr, count: number): void {
    const lo = target | 0;
    const slot = this.slot(lo);
    this.tags[slot] = lo;
    this.counts[slot] = count;
  }
}
