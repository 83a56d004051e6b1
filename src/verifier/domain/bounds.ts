/**
 * What is known of a 64-bit value: a tnum and its ranges read as u64, s64, u32 and s32
 * (`struct bpf_reg_state`'s var_off and *_value; kernel/bpf/verifier.c, reg_bounds_sync()).
 *
 * A published `Bounds` is never changed, so registers, spilled slots and saved states share it; an
 * operation copies, changes its own copy, calls {@link sync} and publishes that.
 */
import {
  intersect,
  isConst,
  isConstSubreg,
  subreg,
  TNUM_UNKNOWN,
  type Tnum,
  tnum,
  tnumConst,
  tnumRange,
} from './tnum.ts';
import {
  HIGH32,
  lowS32,
  lowU32,
  maxBig,
  minBig,
  S32_MAX,
  S32_MIN,
  S64_MAX,
  S64_MIN,
  s64,
  U32_MAX,
  U64_MAX,
  u64,
} from './u64.ts';

export class Bounds {
  tnum: Tnum;
  smin: bigint;
  smax: bigint;
  umin: bigint;
  umax: bigint;
  s32min: number;
  s32max: number;
  u32min: number;
  u32max: number;

  constructor(
    t: Tnum,
    smin: bigint,
    smax: bigint,
    umin: bigint,
    umax: bigint,
    s32min: number,
    s32max: number,
    u32min: number,
    u32max: number,
  ) {
    this.tnum = t;
    this.smin = smin;
    this.smax = smax;
    this.umin = umin;
    this.umax = umax;
    this.s32min = s32min;
    this.s32max = s32max;
    this.u32min = u32min;
    this.u32max = u32max;
  }

  copy(): Bounds {
    return new Bounds(
      this.tnum,
      this.smin,
      this.smax,
      this.umin,
      this.umax,
      this.s32min,
      this.s32max,
      this.u32min,
      this.u32max,
    );
  }

  get isConst(): boolean {
    return this.tnum.mask === 0n;
  }
}

export const UNKNOWN = new Bounds(TNUM_UNKNOWN, S64_MIN, S64_MAX, 0n, U64_MAX, S32_MIN, S32_MAX, 0, U32_MAX);

const exact = (value: bigint): Bounds => {
  const signed = s64(value);
  const low = lowU32(value);
  return new Bounds(tnumConst(value), signed, signed, value, value, low | 0, low | 0, low, low);
};

const SMALL = 1024;
const small = Array.from({ length: 2 * SMALL + 1 }, (_, i) => exact(u64(BigInt(i - SMALL))));
export const ZERO = small[SMALL] as Bounds;

/** The one value `value` (unsigned). */
export function known(value: bigint): Bounds {
  return value < 1025n ? (small[Number(value) + SMALL] as Bounds) : exact(value);
}

/** The one value of a sign-extended immediate. */
export function knownImm(imm: number): Bounds {
  return imm >= -SMALL && imm <= SMALL ? (small[imm + SMALL] as Bounds) : exact(u64(BigInt(imm)));
}

/** Two descriptions of the same set of values. */
export function sameBounds(a: Bounds, b: Bounds): boolean {
  return (
    a === b ||
    (a.tnum.value === b.tnum.value &&
      a.tnum.mask === b.tnum.mask &&
      a.smin === b.smin &&
      a.smax === b.smax &&
      a.umin === b.umin &&
      a.umax === b.umax &&
      a.s32min === b.s32min &&
      a.s32max === b.s32max &&
      a.u32min === b.u32min &&
      a.u32max === b.u32max)
  );
}

/** Everything that `cur` allows, `old` allows. */
export const within = (old: Bounds, cur: Bounds): boolean =>
  old === cur ||
  (old.umin <= cur.umin &&
    old.umax >= cur.umax &&
    old.smin <= cur.smin &&
    old.smax >= cur.smax &&
    old.u32min <= cur.u32min &&
    old.u32max >= cur.u32max &&
    old.s32min <= cur.s32min &&
    old.s32max >= cur.s32max);

export function unbound64(b: Bounds): void {
  b.smin = S64_MIN;
  b.smax = S64_MAX;
  b.umin = 0n;
  b.umax = U64_MAX;
}

export function unbound32(b: Bounds): void {
  b.s32min = S32_MIN;
  b.s32max = S32_MAX;
  b.u32min = 0;
  b.u32max = U32_MAX;
}

const SIGN32 = 0x8000_0000;

/** 32-bit ranges from the low half's known bits. */
export function learn32FromBits(b: Bounds): void {
  const value = lowU32(b.tnum.value);
  const mask = lowU32(b.tnum.mask);
  b.s32min = Math.max(b.s32min, value | (mask & SIGN32));
  b.s32max = Math.min(b.s32max, value | (mask & S32_MAX));
  b.u32min = Math.max(b.u32min, value);
  b.u32max = Math.min(b.u32max, (value | mask) >>> 0);
}

/** All ranges from the known bits. */
export function learnFromBits(b: Bounds): void {
  learn32FromBits(b);
  const { value, mask } = b.tnum;
  b.smin = maxBig(b.smin, s64(value | (mask & 0x8000_0000_0000_0000n)));
  b.smax = minBig(b.smax, s64(value | (mask & S64_MAX)));
  b.umin = maxBig(b.umin, value);
  b.umax = minBig(b.umax, value | mask);
}

const clampS32 = (b: Bounds, lo: number, hi: number): void => {
  if (lo > b.s32min) b.s32min = lo;
  if (hi < b.s32max) b.s32max = hi;
};
const clampU32 = (b: Bounds, lo: number, hi: number): void => {
  if (lo > b.u32min) b.u32min = lo;
  if (hi < b.u32max) b.u32max = hi;
};

/** A 64-bit value's halves: typed arrays split it without making another BigInt. */
const whole = new BigInt64Array(4);
const halves = new Uint32Array(whole.buffer);

function deduce32(b: Bounds): void {
  whole[0] = b.umin;
  whole[1] = b.umax;
  whole[2] = b.smin;
  whole[3] = b.smax;
  const [uminLo, uminHi, umaxLo, umaxHi] = [halves[0]!, halves[1]!, halves[2]!, halves[3]!];
  const [sminLo, sminHi, smaxLo, smaxHi] = [halves[4]!, halves[5]!, halves[6]!, halves[7]!];
  if (uminHi === umaxHi) {
    clampU32(b, uminLo, umaxLo);
    if ((uminLo | 0) <= (umaxLo | 0)) clampS32(b, uminLo | 0, umaxLo | 0);
  }
  if (sminHi === smaxHi) {
    if (sminLo <= smaxLo) clampU32(b, sminLo, smaxLo);
    if ((sminLo | 0) <= (smaxLo | 0)) clampS32(b, sminLo | 0, smaxLo | 0);
  }
  // the upper halves are neighbours, and the low half runs from negative over zero to positive
  if ((uminHi + 1) >>> 0 === umaxHi && (uminLo | 0) < 0 && (umaxLo | 0) >= 0) clampS32(b, uminLo | 0, umaxLo | 0);
  if ((sminHi + 1) >>> 0 === smaxHi && (sminLo | 0) < 0 && (smaxLo | 0) >= 0) clampS32(b, sminLo | 0, smaxLo | 0);
  // one sign throughout: signed and unsigned say the same
  if ((b.u32min | 0) <= (b.u32max | 0)) clampS32(b, b.u32min | 0, b.u32max | 0);
  const lo = b.s32min >>> 0;
  const hi = b.s32max >>> 0;
  if (lo <= hi) clampU32(b, lo, hi);
  else if (b.u32max < lo) {
    // as for 64 bits below: only one end of the signed range is left
    b.s32min = b.u32min | 0;
    b.u32max = Math.min(b.u32max, hi);
  } else if (hi < b.u32min) {
    b.s32max = b.u32max | 0;
    b.u32min = Math.max(b.u32min, lo);
  }
}

function deduce64(b: Bounds): void {
  const sumin = s64(b.umin);
  const sumax = s64(b.umax);
  if (sumin <= sumax) {
    b.smin = maxBig(b.smin, sumin);
    b.smax = minBig(b.smax, sumax);
  }
  const usmin = u64(b.smin);
  const usmax = u64(b.smax);
  if (usmin <= usmax) {
    b.umin = maxBig(b.umin, usmin);
    b.umax = minBig(b.umax, usmax);
  } else if (b.umax < usmin) {
    // the signed range wraps around zero, and the unsigned one overlaps only its positive part
    b.smin = s64(b.umin);
    b.umax = minBig(b.umax, usmax);
  } else if (usmax < b.umin) {
    b.smax = s64(b.umax);
    b.umin = maxBig(b.umin, usmin);
  }
}

/** 64-bit ranges from 32-bit ones. */
function deduceMixed(b: Bounds): void {
  const { u32min, u32max } = b;
  // a half that is within the range already says nothing
  if (u32min > lowU32(b.umin)) b.umin = maxBig(b.umin, (b.umin & HIGH32) | BigInt(u32min));
  if (u32max < lowU32(b.umax)) b.umax = minBig(b.umax, (b.umax & HIGH32) | BigInt(u32max));
  if (u32min > lowU32(b.smin)) b.smin = maxBig(b.smin, s64((u64(b.smin) & HIGH32) | BigInt(u32min)));
  if (u32max < lowU32(b.smax)) b.smax = minBig(b.smax, s64((u64(b.smax) & HIGH32) | BigInt(u32max)));
  // a sign-extended 32-bit value whose low half cannot be negative
  if (b.s32min >= 0 && b.smin >= -0x8000_0000n && b.smax <= 0x7fff_ffffn) {
    const smin = BigInt(b.s32min);
    const smax = BigInt(b.s32max);
    if (b.smin === smin && b.smax === smax && b.umin === smin && b.umax === smax && inRange(b.tnum, smin, smax)) return;
    b.smin = smin;
    b.smax = smax;
    b.umin = smin;
    b.umax = smax;
    b.tnum = intersect(b.tnum, tnumRange(smin, smax));
  }
}

/** Whether a range says nothing of a tnum that this does not know. */
function inRange(t: Tnum, min: bigint, max: bigint): boolean {
  const range = tnumRange(min, max);
  return (t.mask & ~range.mask) === 0n && (range.value & ~t.value) === 0n;
}

/** Whether that changed anything. */
function deduce(b: Bounds): boolean {
  const { tnum: t, smin, smax, umin, umax, s32min, s32max, u32min, u32max } = b;
  deduce32(b);
  deduce64(b);
  deduceMixed(b);
  return !(
    b.tnum === t &&
    b.u32min === u32min &&
    b.u32max === u32max &&
    b.s32min === s32min &&
    b.s32max === s32max &&
    b.umin === umin &&
    b.umax === umax &&
    b.smin === smin &&
    b.smax === smax
  );
}

/** Known bits from ranges: whether they say more than was known. */
function learnBits(b: Bounds): boolean {
  const { value, mask } = b.tnum;
  const wide = intersect(b.tnum, tnumRange(b.umin, b.umax));
  const low = intersect(subreg(wide), tnumRange(BigInt(b.u32min), BigInt(b.u32max)));
  const learned = tnum((wide.value & HIGH32) | low.value, (wide.mask & HIGH32) | low.mask);
  if (learned.value === value && learned.mask === mask) return false;
  b.tnum = learned;
  return true;
}

/** `__mark_reg32_known`: the low half is one value, nothing else is touched. */
export function withLow32(v: Bounds, low: number): Bounds {
  const b = v.copy();
  const unsigned = low >>> 0;
  b.tnum = tnum((b.tnum.value & HIGH32) | BigInt(unsigned), b.tnum.mask & HIGH32);
  b.s32min = low;
  b.s32max = low;
  b.u32min = unsigned;
  b.u32max = unsigned;
  return b;
}

/** One value, which all ranges allow: they become that. */
function becomeExact(b: Bounds): boolean {
  const { value } = b.tnum;
  const signed = s64(value);
  const low = lowU32(value);
  if (b.umin > value || b.umax < value || b.smin > signed || b.smax < signed) return false;
  if (b.u32min > low || b.u32max < low || b.s32min > (low | 0) || b.s32max < (low | 0)) return false;
  b.umin = b.umax = value;
  b.smin = b.smax = signed;
  b.u32min = b.u32max = low;
  b.s32min = b.s32max = low | 0;
  return true;
}

/** `reg_bounds_sync`: lets the five descriptions tighten one another. Three rounds, as Linux has it; one that changes nothing is the last. */
export function sync(b: Bounds): Bounds {
  if (b.tnum.mask === 0n && becomeExact(b)) return b;
  learnFromBits(b);
  if (!deduce(b)) {
    if (learnBits(b)) learnFromBits(b);
    return b;
  }
  if (deduce(b)) deduce(b);
  learnBits(b);
  learnFromBits(b);
  return b;
}

/** `__reg_assign_32_into_64` */
export function assign32Into64(b: Bounds): void {
  b.umin = BigInt(b.u32min);
  b.umax = BigInt(b.u32max);
  if (b.s32min >= 0 && b.s32max >= 0) {
    b.smin = BigInt(b.s32min);
    b.smax = BigInt(b.s32max);
  } else {
    b.smin = 0n;
    b.smax = BigInt(U32_MAX);
  }
}

/** Result of a 32-bit operation: the upper half becomes zero. */
export function zeroExtend32(b: Bounds): void {
  b.tnum = subreg(b.tnum);
  assign32Into64(b);
}

/** `is_reg_const` for a 64- or 32-bit reading. */
export const isConstAs = (b: Bounds, sub32: boolean): boolean => (sub32 ? isConstSubreg(b.tnum) : isConst(b.tnum));
export const constValue = (b: Bounds, sub32: boolean): bigint => (sub32 ? BigInt(lowU32(b.tnum.value)) : b.tnum.value);

/** Why a description is empty or contradicts itself; undefined where it is fine. */
export function violation(b: Bounds): string | undefined {
  if (b.umin > b.umax || b.smin > b.smax || b.u32min > b.u32max || b.s32min > b.s32max) return 'range bounds violation';
  if (b.tnum.mask === 0n) {
    const v = b.tnum.value;
    const sv = s64(v);
    if (b.umin !== v || b.umax !== v || b.smin !== sv || b.smax !== sv)
      return 'const tnum out of sync with range bounds';
  }
  if (isConstSubreg(b.tnum)) {
    const v = lowU32(b.tnum.value);
    const sv = lowS32(b.tnum.value);
    if (b.u32min !== v || b.u32max !== v || b.s32min !== sv || b.s32max !== sv)
      return 'const subreg tnum out of sync with range bounds';
  }
  return undefined;
}
