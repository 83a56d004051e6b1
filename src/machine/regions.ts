/**
 * The page table, kept by region: Intel SDM vol. 3A, 4.5 describes what it decides.
 *
 * A region is a run of pages, contiguous both virtually and physically, with one
 * protection. Mapping 16 MiB of text or the whole direct map is one entry, so that a
 * machine costs nothing to build. Lookup is a binary search, which TLB misses and the host's own accesses pay, where
 * the region is not the one of the time before.
 */
import type { Addr } from './addr.ts';

export const PROT_WRITE = 1;
export const PROT_EXEC = 2;
export const PROT_USER = 4;

export interface Region {
  start: Addr;
  end: Addr;
  phys: number;
  prot: number;
}

/** No address lies in it. */
const NOWHERE: Region = { start: 0, end: 0, phys: 0, prot: 0 };

export class Regions {
  /** sorted by start, disjoint */
  readonly list: Region[] = [];
  #saved: readonly Readonly<Region>[] | undefined;
  /** where the last look-up ended: the next one is mostly there */
  #last: Region = NOWHERE;

  /** The mappings as they are now. */
  save(): readonly Readonly<Region>[] {
    this.#saved ??= this.list.map((r) => ({ ...r }));
    return this.#saved;
  }

  /** As {@link save} gave them; the owner of the TLB flushes it. */
  restore(saved: readonly Readonly<Region>[]): void {
    this.list.length = 0;
    this.#last = NOWHERE;
    for (const r of saved) this.list.push({ ...r });
    this.#saved = saved;
  }

  /** Index of the first region that ends after `va`. */
  private search(va: Addr): number {
    let lo = 0;
    let hi = this.list.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if (this.list[mid]!.end <= va) lo = mid + 1;
      else hi = mid;
    }
    return lo;
  }

  find(va: Addr): Region | undefined {
    const last = this.#last;
    if (last.start <= va && va < last.end) return last;
    const region = this.list[this.search(va)];
    if (region === undefined || va < region.start) return undefined;
    this.#last = region;
    return region;
  }

  /** Maps [start, end) at `phys`, replacing what was there. */
  map(start: Addr, end: Addr, phys: number, prot: number): void {
    const at = this.cut(start, end);
    this.#saved = undefined;
    this.#last = NOWHERE;
    const before = this.list[at - 1];
    const after = this.list[at];
    const joinsBefore = before?.end === start && before.phys + (start - before.start) === phys && before.prot === prot;
    const joinsAfter = after?.start === end && phys + (end - start) === after.phys && after.prot === prot;
    if (joinsBefore && joinsAfter) {
      before.end = after.end;
      this.list.splice(at, 1);
    } else if (joinsBefore) {
      before.end = end;
    } else if (joinsAfter) {
      after.start = start;
      after.phys = phys;
    } else {
      this.list.splice(at, 0, { start, end, phys, prot });
    }
  }

  unmap(start: Addr, end: Addr): void {
    this.cut(start, end);
  }

  /** The parts of regions inside [start, end), in order. */
  within(start: Addr, end: Addr): Region[] {
    const out: Region[] = [];
    for (let i = this.search(start); i < this.list.length; i++) {
      const r = this.list[i]!;
      if (r.start >= end) break;
      const from = Math.max(r.start, start);
      out.push({ start: from, end: Math.min(r.end, end), phys: r.phys + (from - r.start), prot: r.prot });
    }
    return out;
  }

  /** Removes [start, end) and gives the index at which a region starting there belongs. */
  private cut(start: Addr, end: Addr): number {
    const at = this.search(start);
    const first = this.list[at];
    if (first === undefined || first.start >= end) return at;
    let stop = at;
    while (stop < this.list.length && this.list[stop]!.start < end) stop++;
    const last = this.list[stop - 1]!;
    this.#saved = undefined;
    this.#last = NOWHERE;
    const left = first.start < start ? [{ ...first, end: start }] : [];
    const right = last.end > end ? [{ ...last, start: end, phys: last.phys + (end - last.start) }] : [];
    this.list.splice(at, stop - at, ...left, ...right);
    return at + left.length;
  }
}
