/**
 * Physical page allocator: first fit over free extents, deterministic, zeroing what it hands out again.
 */
import { clearBytes } from './clear-bytes.ts';
import { OutOfMemory } from './fault.ts';
import { PAGE_SIZE } from './layout.ts';

interface Extent {
  start: number;
  end: number;
}

/** Which pages are free, and the order in which they are given out. */
export interface ZoneState {
  readonly fresh: number;
  readonly free: readonly (readonly [pages: number, starts: readonly number[]])[];
}

export class PageZone {
  private readonly u8: Uint8Array;
  private readonly end: number;
  private readonly name: string;
  /** never handed out from here up: still zero */
  private fresh: number;
  /** freed runs of a length, last freed first */
  private readonly bySize = new Map<number, number[]>();
  private freeCount = 0;

  constructor(name: string, u8: Uint8Array, start: number, end: number) {
    this.name = name;
    this.u8 = u8;
    this.fresh = start;
    this.end = end;
  }

  /** Pages handed out by nobody. */
  get freePages(): number {
    return (this.end - this.fresh) / PAGE_SIZE + this.freeCount;
  }

  /** Physical address of `count` contiguous zeroed pages. @throws OutOfMemory */
  alloc(count: number): number {
    const bytes = count * PAGE_SIZE;
    const same = this.bySize.get(count)?.pop();
    if (same !== undefined) {
      this.freeCount -= count;
      clearBytes(this.u8, same, bytes);
      return same;
    }
    if (this.fresh + bytes <= this.end) {
      const at = this.fresh;
      this.fresh += bytes;
      return at;
    }
    return this.fromExtents(count);
  }

  free(phys: number, count: number): void {
    const list = this.bySize.get(count);
    if (list) list.push(phys);
    else this.bySize.set(count, [phys]);
    this.freeCount += count;
  }

  save(): ZoneState {
    return { fresh: this.fresh, free: [...this.bySize].map(([pages, starts]) => [pages, starts.slice()]) };
  }

  restore(state: ZoneState): void {
    this.fresh = state.fresh;
    this.bySize.clear();
    this.freeCount = 0;
    for (const [pages, starts] of state.free) {
      this.bySize.set(pages, starts.slice());
      this.freeCount += pages * starts.length;
    }
  }

  /** Joins freed runs and takes the first that is long enough. */
  private fromExtents(count: number): number {
    const extents: Extent[] = [];
    for (const [pages, starts] of this.bySize) {
      for (const start of starts) extents.push({ start, end: start + pages * PAGE_SIZE });
    }
    if (this.fresh < this.end) extents.push({ start: this.fresh, end: this.end });
    extents.sort((a, b) => a.start - b.start);
    const joined: Extent[] = [];
    for (const e of extents) {
      const last = joined.at(-1);
      if (last?.end === e.start) last.end = e.end;
      else joined.push({ ...e });
    }
    const bytes = count * PAGE_SIZE;
    const fit = joined.find((e) => e.end - e.start >= bytes);
    if (fit === undefined) {
      throw new OutOfMemory(
        `no ${count} contiguous pages left of the ${this.name} zone: boot with more memory (the option memory; --memory on the command line)`,
      );
    }
    const at = fit.start;
    fit.start += bytes;
    this.bySize.clear();
    this.freeCount = 0;
    this.fresh = this.end;
    for (const e of joined) if (e.end > e.start) this.free(e.start, (e.end - e.start) / PAGE_SIZE);
    clearBytes(this.u8, at, bytes);
    return at;
  }
}
