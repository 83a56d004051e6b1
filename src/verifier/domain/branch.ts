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
import {
  type Bounds,
  clampS32,
  isConstAs,
  lowerSmax,
  lowerUmax,
  raiseSmin,
  raiseUmin,
  unbound32,
  unbound64,
} from './bounds.ts';
import { ltS64, ltU32, ltU64, SIGN } from './pair.ts';
import { sync } from './sync.ts';
import { S32_MAX } from './u64.ts';

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

/** `a.umin > b.umax`, in either width. */
const aboveU = (a: Bounds, b: Bounds, jmp32: boolean): boolean =>
  jmp32 ? ltU32(b.u32maxBits, a.u32minBits) : ltU64(b.umaxHi, b.umaxLo, a.uminHi, a.uminLo);
/** `a.umin >= b.umax` */
const notBelowU = (a: Bounds, b: Bounds, jmp32: boolean): boolean =>
  jmp32 ? !ltU32(a.u32minBits, b.u32maxBits) : !ltU64(a.uminHi, a.uminLo, b.umaxHi, b.umaxLo);
const aboveS = (a: Bounds, b: Bounds, jmp32: boolean): boolean =>
  jmp32 ? a.s32min > b.s32max : ltS64(b.smaxHi, b.smaxLo, a.sminHi, a.sminLo);
const notBelowS = (a: Bounds, b: Bounds, jmp32: boolean): boolean =>
  jmp32 ? a.s32min >= b.s32max : !ltS64(a.sminHi, a.sminLo, b.smaxHi, b.smaxLo);

const disjoint = (a: Bounds, b: Bounds, jmp32: boolean): boolean =>
  aboveU(a, b, jmp32) || aboveU(b, a, jmp32) || aboveS(a, b, jmp32) || aboveS(b, a, jmp32);

/** Some value is in both tnums. */
function bitsOverlap(a: Bounds, b: Bounds, jmp32: boolean): boolean {
  if (((a.valueLo ^ b.valueLo) & ~a.maskLo & ~b.maskLo) !== 0) return false;
  return jmp32 || ((a.valueHi ^ b.valueHi) & ~a.maskHi & ~b.maskHi) === 0;
}

function certainlyEqual(a: Bounds, b: Bounds, jmp32: boolean): boolean | undefined {
  if (isConstAs(a, jmp32) && isConstAs(b, jmp32)) return a.valueLo === b.valueLo && (jmp32 || a.valueHi === b.valueHi);
  if (!bitsOverlap(a, b, jmp32)) return false;
  return (!jmp32 && disjoint(a, b, false)) || disjoint(a, b, true) ? false : undefined;
}

function testBits(a: Bounds, b: Bounds, jmp32: boolean): boolean | undefined {
  const [x, y] = isConstAs(b, jmp32) ? [a, b] : [b, a];
  if (!isConstAs(y, jmp32)) return undefined;
  const hi = jmp32 ? 0 : y.valueHi;
  const lo = y.valueLo;
  if ((x.valueHi & hi) | (x.valueLo & lo)) return true;
  return (x.maskHi & hi) | (x.maskLo & lo) ? undefined : false;
}

/** true when a relation holds for all, false when for none. */
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
    case BPF_JGT:
      return order(aboveU(a, b, jmp32), notBelowU(b, a, jmp32));
    case BPF_JSGT:
      return order(aboveS(a, b, jmp32), notBelowS(b, a, jmp32));
    case BPF_JLT:
      return order(aboveU(b, a, jmp32), notBelowU(a, b, jmp32));
    case BPF_JSLT:
      return order(aboveS(b, a, jmp32), notBelowS(a, b, jmp32));
    case BPF_JGE:
      return order(notBelowU(a, b, jmp32), aboveU(b, a, jmp32));
    case BPF_JSGE:
      return order(notBelowS(a, b, jmp32), aboveS(b, a, jmp32));
    case BPF_JLE:
      return order(notBelowU(b, a, jmp32), aboveU(a, b, jmp32));
    case BPF_JSLE:
      return order(notBelowS(b, a, jmp32), aboveS(a, b, jmp32));
    default:
      return undefined;
  }
}

function raiseU32(b: Bounds, min: number): void {
  if (ltU32(b.u32minBits, min)) b.u32minBits = min;
}
function lowerU32(b: Bounds, max: number): void {
  if (ltU32(max, b.u32maxBits)) b.u32maxBits = max;
}

/** Both know what either of them knew. */
function meetEqual(a: Bounds, b: Bounds, jmp32: boolean): void {
  if (jmp32) {
    raiseU32(a, b.u32minBits);
    lowerU32(a, b.u32maxBits);
    clampS32(a, b.s32min, b.s32max);
    b.u32minBits = a.u32minBits;
    b.u32maxBits = a.u32maxBits;
    b.s32min = a.s32min;
    b.s32max = a.s32max;
  } else {
    raiseUmin(a, b.uminHi, b.uminLo);
    lowerUmax(a, b.umaxHi, b.umaxLo);
    raiseSmin(a, b.sminHi, b.sminLo);
    lowerSmax(a, b.smaxHi, b.smaxLo);
    b.uminHi = a.uminHi;
    b.uminLo = a.uminLo;
    b.umaxHi = a.umaxHi;
    b.umaxLo = a.umaxLo;
    b.sminHi = a.sminHi;
    b.sminLo = a.sminLo;
    b.smaxHi = a.smaxHi;
    b.smaxLo = a.smaxLo;
    a.maskHi = b.maskHi = a.maskHi & b.maskHi;
    a.valueHi = b.valueHi = (a.valueHi | b.valueHi) & ~a.maskHi;
  }
  a.maskLo = b.maskLo = a.maskLo & b.maskLo;
  a.valueLo = b.valueLo = (a.valueLo | b.valueLo) & ~a.maskLo;
}

/** An excluded constant trims a range only at its edge. */
function exclude(a: Bounds, { valueHi: hi, valueLo: lo }: Bounds, jmp32: boolean): void {
  if (jmp32) {
    if (a.u32minBits === lo) a.u32minBits = (lo + 1) | 0;
    if (a.u32maxBits === lo) a.u32maxBits = (lo - 1) | 0;
    if (a.s32min === lo) a.s32min = (lo + 1) | 0;
    if (a.s32max === lo) a.s32max = (lo - 1) | 0;
    return;
  }
  const upLo = (lo + 1) | 0;
  const upHi = (hi + (upLo === 0 ? 1 : 0)) | 0;
  const downLo = (lo - 1) | 0;
  const downHi = (hi - (lo === 0 ? 1 : 0)) | 0;
  if (a.uminHi === hi && a.uminLo === lo) {
    a.uminHi = upHi;
    a.uminLo = upLo;
  }
  if (a.umaxHi === hi && a.umaxLo === lo) {
    a.umaxHi = downHi;
    a.umaxLo = downLo;
  }
  if (a.sminHi === hi && a.sminLo === lo) {
    a.sminHi = upHi;
    a.sminLo = upLo;
  }
  if (a.smaxHi === hi && a.smaxLo === lo) {
    a.smaxHi = downHi;
    a.smaxLo = downLo;
  }
}

function refineBits(op: number, a: Bounds, bits: Bounds, jmp32: boolean): void {
  const hi = jmp32 ? 0 : bits.valueHi;
  const lo = bits.valueLo;
  if (op === JCLR) {
    // on a dead branch the ranges would contradict the narrowed bits
    unbound64(a);
    unbound32(a);
    a.valueHi &= ~hi;
    a.valueLo &= ~lo;
  } else {
    a.valueHi |= hi;
    a.valueLo |= lo;
  }
  a.maskHi &= ~hi;
  a.maskLo &= ~lo;
}

function isPowerOf2(b: Bounds, jmp32: boolean): boolean {
  const hi = jmp32 ? 0 : b.valueHi;
  const lo = b.valueLo;
  return hi === 0 ? lo !== 0 && (lo & (lo - 1)) === 0 : lo === 0 && (hi & (hi - 1)) === 0;
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
      const [x, y] = isConstAs(b, jmp32) ? [a, b] : [b, a];
      if (!isConstAs(y, jmp32)) return;
      if (op === BPF_JNE) exclude(x, y, jmp32);
      else if (op === JCLR || isPowerOf2(y, jmp32)) refineBits(op, x, y, jmp32);
      return;
    }
    case BPF_JLE:
    case BPF_JLT:
      assumeBelowU(a, b, op === BPF_JLT ? 1 : 0, jmp32);
      return;
    case BPF_JSLE:
    case BPF_JSLT:
      assumeBelowS(a, b, op === BPF_JSLT ? 1 : 0, jmp32);
      return;
    default:
      assume(flip(op), b, a, jmp32);
  }
}

/** `a + by <= b`, where `by` is 0 or 1. */
function assumeBelowU(a: Bounds, b: Bounds, by: number, jmp32: boolean): void {
  if (jmp32) {
    lowerU32(a, (b.u32maxBits - by) | 0);
    raiseU32(b, (a.u32minBits + by) | 0);
    return;
  }
  lowerUmax(a, (b.umaxHi - (b.umaxLo === 0 ? by : 0)) | 0, (b.umaxLo - by) | 0);
  raiseUmin(b, (a.uminHi + (a.uminLo === -1 ? by : 0)) | 0, (a.uminLo + by) | 0);
}
function assumeBelowS(a: Bounds, b: Bounds, by: number, jmp32: boolean): void {
  if (jmp32) {
    clampS32(a, SIGN, (b.s32max - by) | 0);
    clampS32(b, (a.s32min + by) | 0, S32_MAX);
    return;
  }
  lowerSmax(a, (b.smaxHi - (b.smaxLo === 0 ? by : 0)) | 0, (b.smaxLo - by) | 0);
  raiseSmin(b, (a.sminHi + (a.sminLo === -1 ? by : 0)) | 0, (a.sminLo + by) | 0);
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
