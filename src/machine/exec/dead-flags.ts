/**
 * Dead flags within a block: an operation whose flags are overwritten before anything can look at them gets its
 * flagless twin. Whatever may fault, call a handler or leave the block looks at them all.
 */
import type { Step } from './context.ts';
import { STRIDE, UOP } from './uop.ts';

/** Operations that neither read nor write flags and cannot fault. */
const TRANSPARENT = new Set<number>([
  UOP.lea,
  UOP.leaIndex,
  UOP.mov64,
  UOP.mov32,
  UOP.movzx16,
  UOP.movzx8,
  UOP.movsx32,
  UOP.movsx16,
  UOP.movsx8,
  UOP.movsx16to32,
  UOP.movsx8to32,
  UOP.not64,
  UOP.not32,
  UOP.bswap64,
  UOP.bswap32,
  UOP.rol32n,
  UOP.cdqe,
  UOP.cqo,
]);

/** Operations with a flagless twin at the next number. */
const TWINS = new Set<number>([
  UOP.add64,
  UOP.sub64,
  UOP.and64,
  UOP.or64,
  UOP.xor64,
  UOP.add32,
  UOP.sub32,
  UOP.and32,
  UOP.or32,
  UOP.xor32,
  UOP.shl64,
  UOP.shr64,
  UOP.sar64,
  UOP.shl32,
  UOP.shr32,
  UOP.sar32,
  UOP.imul64,
  UOP.imul32,
  UOP.neg64,
  UOP.neg32,
]);

const isTwin = (op: number): boolean => TWINS.has(op - 1);

/** `from` and `to` are words; `steps` tells shifts by a constant from those by cl. */
export function eliminateFlags(
  words: Int32Array,
  from: number,
  to: number,
  steps: readonly (Step | undefined)[],
): void {
  let live = true;
  for (let p = to - STRIDE; p >= from; p -= STRIDE) {
    const op = words[p]!;
    if (TRANSPARENT.has(op) || isTwin(op)) continue;
    if (TWINS.has(op)) {
      if (!live) words[p] = op + 1;
      else live = !writesAll(op, steps[p >> 3]);
    } else live = !(op >= UOP.cmp64 && op <= UOP.test32) && !(op >= UOP.cmp64e && op <= UOP.test32le);
  }
}

/** Multiplications leave four flags alone, and a shift by cl may be one by zero. */
function writesAll(op: number, s: Step | undefined): boolean {
  if (op >= UOP.imul64 && op <= UOP.imul32n) return false;
  if (op >= UOP.shl64 && op <= UOP.sar32n) {
    if (s === undefined || s.insn.immAt === 0) return s?.regs[1] === -2;
    return (s.insn.immLo & (s.form.size === 8 ? 63 : 31)) !== 0;
  }
  return true;
}
