/** Where two page tables differ. */
import type { Addr } from '../addr.ts';
import type { Region } from '../regions.ts';

/** Calls back with ranges in which an address is mapped otherwise, or only, in one of the two lists. */
export function regionChanges(
  before: readonly Readonly<Region>[],
  after: readonly Readonly<Region>[],
  each: (start: Addr, end: Addr) => void,
): void {
  let i = 0;
  let j = 0;
  let at = Number.NEGATIVE_INFINITY;
  while (i < before.length || j < after.length) {
    const a = before[i];
    const b = after[j];
    const aStart = a === undefined ? Number.POSITIVE_INFINITY : Math.max(a.start, at);
    const bStart = b === undefined ? Number.POSITIVE_INFINITY : Math.max(b.start, at);
    const start = Math.min(aStart, bStart);
    const inA = a !== undefined && aStart === start;
    const inB = b !== undefined && bStart === start;
    const end = Math.min(inA ? a.end : aStart, inB ? b.end : bStart);
    const same = inA && inB && a.prot === b.prot && a.phys - a.start === b.phys - b.start;
    if (!same) each(start, end);
    at = end;
    if (a !== undefined && a.end <= at) i++;
    if (b !== undefined && b.end <= at) j++;
  }
}
