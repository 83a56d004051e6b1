/**
 * Runs of a repeated movs or stos that stay within a page, done at once. Only forward, with 64-bit addresses and
 * without segment override; everything else, and what may fault, goes element by element.
 */
import { FLAG, PREFIX } from '../../x86/index.ts';
import { PAGE_SIZE, READ, TLB_TABLE_BYTES, WRITE } from '../layout.ts';
import type { Context, Step } from './context.ts';

const RAX = 0;
const RCX = 2;
const RSI = 12;
const RDI = 14;

/** Does a run of at most `most` elements and answers how many; 0: none could be done this way. */
export type Bulk = (x: Context, size: number, most: number) => number;

export const mayBulk = (x: Context, s: Step): boolean =>
  (x.cpu.rflags & FLAG.DF) === 0 && (s.insn.prefixes & PREFIX.ADDRSIZE) === 0 && s.insn.segment === 0;

/** Elements that rcx and the page of register `n` leave room for. */
function room(x: Context, n: number, size: number, most: number): number {
  return Math.min(most, Math.floor((PAGE_SIZE - (x.r[n]! & (PAGE_SIZE - 1))) / size));
}

const wanted = (x: Context, most: number): number => (x.r[RCX + 1] === 0 ? Math.min(x.r[RCX]! >>> 0, most) : most);

/** Physical address by the TLB alone, -1 where the access has to go the slow way. */
function quick(x: Context, n: number, access: typeof READ | typeof WRITE): number {
  const lo = x.r[n]!;
  const { i32 } = x.memory;
  const at = (x.memory.tlb + access * TLB_TABLE_BYTES + ((lo >>> 12) & 1023) * 16) >> 2;
  return i32[at] === (lo | (PAGE_SIZE - 1)) && i32[at + 1] === x.r[n + 1] ? i32[at + 2]! | (lo & (PAGE_SIZE - 1)) : -1;
}

function forward(x: Context, n: number, bytes: number): void {
  const sum = (x.r[n]! >>> 0) + bytes;
  x.r[n] = sum | 0;
  if (sum > 0xffffffff) x.r[n + 1] = x.r[n + 1]! + 1;
}

export const bulkMovs: Bulk = (x, size, most) => {
  let count = room(x, RSI, size, room(x, RDI, size, wanted(x, most)));
  if (count < 2) return 0;
  const from = quick(x, RSI, READ);
  const to = quick(x, RDI, WRITE);
  if (from < 0 || to < 0) return 0;
  // a destination inside the source repeats what was just written: no further than up to there at once
  if (to > from) count = Math.min(count, Math.floor((to - from) / size));
  if (count < 2) return 0;
  const bytes = count * size;
  x.memory.u8.copyWithin(to, from, from + bytes);
  forward(x, RSI, bytes);
  forward(x, RDI, bytes);
  return count;
};

export const bulkStos: Bulk = (x, size, most) => {
  const count = room(x, RDI, size, wanted(x, most));
  if (count < 2) return 0;
  const to = quick(x, RDI, WRITE);
  if (to < 0) return 0;
  const { memory, r } = x;
  if (size === 1) memory.u8.fill(r[RAX]! & 0xff, to, to + count);
  else {
    for (let at = to; at < to + count * size; at += size) {
      if (size === 2) memory.view.setInt16(at, r[RAX]!, true);
      else memory.view.setInt32(at, r[RAX]!, true);
      if (size === 8) memory.view.setInt32(at + 4, r[RAX + 1]!, true);
    }
  }
  forward(x, RDI, count * size);
  return count;
};
