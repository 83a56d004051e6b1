/**
 * Conditional jumps over two scalars: which way they go (is_scalar_branch_taken()) and what each
 * side learns (regs_refine_cond_op()).
 */
import {
  BPF_JEQ,
  BPF_JGE,
  BPF_JGT,
  BPF_JLE,
  BPF_JLT,
  BPF_JNE,
  BPF_JSET,
  BPF_JSGE,
  BPF_JSGT,
  BPF_JSLE,
  BPF_JSLT,
} from '../../isa/index.ts';
import { type Bounds, constValue, isConstAs, sync, unbound32, unbound64 } from './bounds.ts';
import * as T from './tnum.ts';
import { isPowerOf2, lowU32, maxBig, minBig, s64, U64_MAX } from './u64.ts';

/** "no bit of the mask is set": what the other side of JSET knows */
const JCLR = BPF_JSET | 0x08;

const flips: Readonly<Record<number, number>> = {
  [BPF_JGE]: BPF_JLE,
  [BPF_JGT]: BPF_JLT,
  [BPF_JLE]: BPF_JGE,
  [BPF_JLT]: BPF_JGT,
  [BPF_JSGE]: BPF_JSLE,
  [BPF_JSGT]: BPF_JSLT,
  [BPF_JSLE]: BPF_JSGE,
  [BPF_JSLT]: BPF_JSGT,
};
/** The same relation with its operands exchanged. */
export const flip = (op: number): number => flips[op] ?? op;

const negations: Readonly<Record<number, number>> = {
  [BPF_JEQ]: BPF_JNE,
  [BPF_JNE]: BPF_JEQ,
  [BPF_JSET]: JCLR,
  [JCLR]: BPF_JSET,
  [BPF_JGE]: BPF_JLT,
  [BPF_JGT]: BPF_JLE,
  [BPF_JLE]: BPF_JGT,
  [BPF_JLT]: BPF_JGE,
  [BPF_JSGE]: BPF_JSLT,
  [BPF_JSGT]: BPF_JSLE,
  [BPF_JSLE]: BPF_JSGT,
  [BPF_JSLT]: BPF_JSGE,
};
const negate = (op: number): number => negations[op] ?? op;

type Num = bigint | number;
interface View {
  readonly umin: Num;
  readonly umax: Num;
  readonly smin: Num;
  readonly smax: Num;
}
const view32 = (b: Bounds): View => ({ umin: b.u32min, umax: b.u32max, smin: b.s32min, smax: b.s32max });
const disjoint = (a: View, b: View): boolean =>
  a.umin > b.umax || a.umax < b.umin || a.smin > b.smax || a.smax < b.smin;

function certainlyEqual(a: Bounds, b: Bounds, jmp32: boolean): boolean | undefined {
  if (isConstAs(a, jmp32) && isConstAs(b, jmp32)) return constValue(a, jmp32) === constValue(b, jmp32);
  if (jmp32 ? !T.overlaps(T.subreg(a.tnum), T.subreg(b.tnum)) : !T.overlaps(a.tnum, b.tnum)) return false;
  if (jmp32) return disjoint(view32(a), view32(b)) ? false : undefined;
  return disjoint(a, b) || disjoint(view32(a), view32(b)) ? false : undefined;
}

function testBits(a: Bounds, b: Bounds, jmp32: boolean): boolean | undefined {
  let [x, y] = [a, b];
  if (!isConstAs(y, jmp32)) [x, y] = [y, x];
  if (!isConstAs(y, jmp32)) return undefined;
  const t = jmp32 ? T.subreg(x.tnum) : x.tnum;
  const bits = constValue(y, jmp32);
  if (t.value & bits) return true;
  return (t.value | t.mask) & bits ? undefined : false;
}

/** `lo1 OP hi2`: true when it holds for all, false when for none. */
const order = (always: boolean, never: boolean): boolean | undefined => (always ? true : never ? false : undefined);

/** Whether `a OP b` always (true) or never (false) holds; undefined where both can be. */
export function decide(op: number, a: Bounds, b: Bounds, jmp32: boolean): boolean | undefined {
  switch (op) {
    case BPF_JEQ:
      return certainlyEqual(a, b, jmp32);
    case BPF_JNE: {
      const eq = certainlyEqual(a, b, jmp32);
      return eq === undefined ? undefined : !eq;
    }
    case BPF_JSET:
      return testBits(a, b, jmp32);
  }
  const x: View = jmp32 ? view32(a) : a;
  const y: View = jmp32 ? view32(b) : b;
  switch (op) {
    case BPF_JGT:
      return order(x.umin > y.umax, x.umax <= y.umin);
    case BPF_JSGT:
      return order(x.smin > y.smax, x.smax <= y.smin);
    case BPF_JLT:
      return order(x.umax < y.umin, x.umin >= y.umax);
    case BPF_JSLT:
      return order(x.smax < y.smin, x.smin >= y.smax);
    case BPF_JGE:
      return order(x.umin >= y.umax, x.umax < y.umin);
    case BPF_JSGE:
      return order(x.smin >= y.smax, x.smax < y.smin);
    case BPF_JLE:
      return order(x.umax <= y.umin, x.umin > y.umax);
    case BPF_JSLE:
      return order(x.smax <= y.smin, x.smin > y.smax);
    default:
      return undefined;
  }
}

function meetEqual(a: Bounds, b: Bounds, jmp32: boolean): void {
  if (jmp32) {
    a.u32min = b.u32min = Math.max(a.u32min, b.u32min);
    a.u32max = b.u32max = Math.min(a.u32max, b.u32max);
    a.s32min = b.s32min = Math.max(a.s32min, b.s32min);
    a.s32max = b.s32max = Math.min(a.s32max, b.s32max);
    const low = T.intersect(T.subreg(a.tnum), T.subreg(b.tnum));
    a.tnum = T.withSubreg(a.tnum, low);
    b.tnum = T.withSubreg(b.tnum, low);
    return;
  }
  a.umin = b.umin = maxBig(a.umin, b.umin);
  a.umax = b.umax = minBig(a.umax, b.umax);
  a.smin = b.smin = maxBig(a.smin, b.smin);
  a.smax = b.smax = minBig(a.smax, b.smax);
  a.tnum = b.tnum = T.intersect(a.tnum, b.tnum);
}

/** An excluded constant trims a range only at its edge. */
function exclude(a: Bounds, value: bigint, jmp32: boolean): void {
  if (jmp32) {
    const u = lowU32(value);
    const s = u | 0;
    if (a.u32min === u) a.u32min++;
    if (a.u32max === u) a.u32max--;
    if (a.s32min === s) a.s32min++;
    if (a.s32max === s) a.s32max--;
    return;
  }
  const s = s64(value);
  if (a.umin === value) a.umin++;
  if (a.umax === value) a.umax--;
  if (a.smin === s) a.smin++;
  if (a.smax === s) a.smax--;
}

function refineBits(op: number, a: Bounds, bits: bigint, jmp32: boolean): void {
  const apply = (t: T.Tnum): T.Tnum =>
    op === BPF_JSET ? T.or(t, T.tnumConst(bits)) : T.and(t, T.tnumConst(~bits & U64_MAX));
  if (op === JCLR) {
    // on a dead branch the ranges would contradict the narrowed bits
    unbound64(a);
    unbound32(a);
  }
  a.tnum = jmp32 ? T.withSubreg(a.tnum, apply(T.subreg(a.tnum))) : apply(a.tnum);
}

/** Narrows both operands by the knowledge that `a OP b` holds. */
function assume(op: number, a: Bounds, b: Bounds, jmp32: boolean): void {
  switch (op) {
    case BPF_JEQ:
      meetEqual(a, b, jmp32);
      return;
    case BPF_JNE:
    case BPF_JSET:
    case JCLR: {
      let [x, y] = [a, b];
      if (!isConstAs(y, jmp32)) [x, y] = [y, x];
      if (!isConstAs(y, jmp32)) return;
      const value = constValue(y, jmp32);
      if (op === BPF_JNE) exclude(x, value, jmp32);
      else if (op === JCLR || isPowerOf2(value)) refineBits(op, x, value, jmp32);
      return;
    }
    case BPF_JLE:
      if (jmp32) {
        a.u32max = Math.min(a.u32max, b.u32max);
        b.u32min = Math.max(a.u32min, b.u32min);
      } else {
        a.umax = minBig(a.umax, b.umax);
        b.umin = maxBig(a.umin, b.umin);
      }
      return;
    case BPF_JLT:
      if (jmp32) {
        a.u32max = Math.min(a.u32max, b.u32max - 1);
        b.u32min = Math.max(a.u32min + 1, b.u32min);
      } else {
        a.umax = minBig(a.umax, b.umax - 1n);
        b.umin = maxBig(a.umin + 1n, b.umin);
      }
      return;
    case BPF_JSLE:
      if (jmp32) {
        a.s32max = Math.min(a.s32max, b.s32max);
        b.s32min = Math.max(a.s32min, b.s32min);
      } else {
        a.smax = minBig(a.smax, b.smax);
        b.smin = maxBig(a.smin, b.smin);
      }
      return;
    case BPF_JSLT:
      if (jmp32) {
        a.s32max = Math.min(a.s32max, b.s32max - 1);
        b.s32min = Math.max(a.s32min + 1, b.s32min);
      } else {
        a.smax = minBig(a.smax, b.smax - 1n);
        b.smin = maxBig(a.smin + 1n, b.smin);
      }
      return;
    default:
      assume(flip(op), b, a, jmp32);
  }
}

/** The two operands on both sides of a branch. */
export interface Split {
  readonly taken: readonly [Bounds, Bounds];
  readonly fallthrough: readonly [Bounds, Bounds];
}

/** `same`: both operands are one register, so both sides narrow one value. */
export function split(op: number, a: Bounds, b: Bounds, jmp32: boolean, same: boolean): Split {
  const side = (relation: number): readonly [Bounds, Bounds] => {
    const x = a.copy();
    const y = same ? x : b.copy();
    assume(relation, x, y, jmp32);
    sync(x);
    if (!same) sync(y);
    return [x, y];
  };
  const fallthrough = side(negate(op));
  return { taken: side(op), fallthrough };
}
