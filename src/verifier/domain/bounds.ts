/**
 * What is known of a 64-bit value: a tnum and its ranges read as u64, s64, u32 and s32
 * (`struct bpf_reg_state`'s var_off and *_value; kernel/bpf/verifier.c, reg_bounds_sync()).
 *
 * A published `Bounds` is never changed, so registers, spilled slots and saved states share it; an
 * operation copies, changes its own copy, calls {@link sync} and publishes that.
 *
 * Each number is kept in int32 halves (see pair.ts); `umin`, `tnum` and their like show them whole, for
 * what is not hot.
 */
import { bigSigned, bigUnsigned, highHalf, lowHalf, ltS64, ltU32, ltU64, signed, unsigned } from './pair.ts';
import { type Tnum, tnum } from './tnum.ts';
import { S32_MAX, S32_MIN } from './u64.ts';

/** Fields are declared only: the constructor gives each its one first value, as this is made by the million. */
export class Bounds {
  // the tnum: a bit that is set in the mask is unknown
  declare valueHi: number;
  declare valueLo: number;
  declare maskHi: number;
  declare maskLo: number;
  declare sminHi: number;
  declare sminLo: number;
  declare smaxHi: number;
  declare smaxLo: number;
  declare uminHi: number;
  declare uminLo: number;
  declare umaxHi: number;
  declare umaxLo: number;
  declare s32min: number;
  declare s32max: number;
  /** int32 bit patterns of `u32min` and `u32max` */
  declare u32minBits: number;
  declare u32maxBits: number;

  /** A copy, or what is known of nothing. */
  constructor(from?: Bounds) {
    if (from === undefined) {
      this.valueHi = 0;
      this.valueLo = 0;
      this.maskHi = -1;
      this.maskLo = -1;
      this.sminHi = S32_MIN;
      this.sminLo = 0;
      this.smaxHi = S32_MAX;
      this.smaxLo = -1;
      this.uminHi = 0;
      this.uminLo = 0;
      this.umaxHi = -1;
      this.umaxLo = -1;
      this.s32min = S32_MIN;
      this.s32max = S32_MAX;
      this.u32minBits = 0;
      this.u32maxBits = -1;
    } else {
      this.valueHi = from.valueHi;
      this.valueLo = from.valueLo;
      this.maskHi = from.maskHi;
      this.maskLo = from.maskLo;
      this.sminHi = from.sminHi;
      this.sminLo = from.sminLo;
      this.smaxHi = from.smaxHi;
      this.smaxLo = from.smaxLo;
      this.uminHi = from.uminHi;
      this.uminLo = from.uminLo;
      this.umaxHi = from.umaxHi;
      this.umaxLo = from.umaxLo;
      this.s32min = from.s32min;
      this.s32max = from.s32max;
      this.u32minBits = from.u32minBits;
      this.u32maxBits = from.u32maxBits;
    }
  }

  copy(): Bounds {
    return new Bounds(this);
  }

  get isConst(): boolean {
    return (this.maskHi | this.maskLo) === 0;
  }
  get isZero(): boolean {
    return (this.maskHi | this.maskLo | this.valueHi | this.valueLo) === 0;
  }

  // as numbers; exact within 2^53
  get sminNumber(): number {
    return signed(this.sminHi, this.sminLo);
  }
  get smaxNumber(): number {
    return signed(this.smaxHi, this.smaxLo);
  }
  get umaxNumber(): number {
    return unsigned(this.umaxHi, this.umaxLo);
  }
  /** bits that a value may take: the position of the highest, counted from 1 */
  get width(): number {
    return this.umaxHi !== 0 ? 64 - Math.clz32(this.umaxHi) : 32 - Math.clz32(this.umaxLo);
  }

  // whole
  get tnum(): Tnum {
    return tnum(bigUnsigned(this.valueHi, this.valueLo), bigUnsigned(this.maskHi, this.maskLo));
  }
  set tnum(t: Tnum) {
    this.valueHi = highHalf(t.value);
    this.valueLo = lowHalf(t.value);
    this.maskHi = highHalf(t.mask);
    this.maskLo = lowHalf(t.mask);
  }
  get smin(): bigint {
    return bigSigned(this.sminHi, this.sminLo);
  }
  set smin(x: bigint) {
    this.sminHi = highHalf(x);
    this.sminLo = lowHalf(x);
  }
  get smax(): bigint {
    return bigSigned(this.smaxHi, this.smaxLo);
  }
  set smax(x: bigint) {
    this.smaxHi = highHalf(x);
    this.smaxLo = lowHalf(x);
  }
  get umin(): bigint {
    return bigUnsigned(this.uminHi, this.uminLo);
  }
  set umin(x: bigint) {
    this.uminHi = highHalf(x);
    this.uminLo = lowHalf(x);
  }
  get umax(): bigint {
    return bigUnsigned(this.umaxHi, this.umaxLo);
  }
  set umax(x: bigint) {
    this.umaxHi = highHalf(x);
    this.umaxLo = lowHalf(x);
  }
  get u32min(): number {
    return this.u32minBits >>> 0;
  }
  set u32min(x: number) {
    this.u32minBits = x | 0;
  }
  get u32max(): number {
    return this.u32maxBits >>> 0;
  }
  set u32max(x: number) {
    this.u32maxBits = x | 0;
  }
}

export const UNKNOWN = new Bounds();

/** The one value of two halves. */
export function exact(hi: number, lo: number): Bounds {
  const b = new Bounds();
  b.maskHi = 0;
  b.maskLo = 0;
  setValue(b, hi, lo);
  return b;
}

export function setValue(b: Bounds, hi: number, lo: number): void {
  b.valueHi = hi;
  b.valueLo = lo;
  b.sminHi = b.smaxHi = b.uminHi = b.umaxHi = hi;
  b.sminLo = b.smaxLo = b.uminLo = b.umaxLo = lo;
  b.s32min = b.s32max = b.u32minBits = b.u32maxBits = lo;
}

const SMALL = 1024;
const small: Bounds[] = [];
for (let n = -SMALL; n <= SMALL; n++) small.push(exact(n >> 31, n));
export const ZERO = small[SMALL] as Bounds;

/** The one value of two halves; small ones are shared. */
export function knownHalves(hi: number, lo: number): Bounds {
  return hi === 0 && lo >= 0 && lo <= SMALL ? (small[lo + SMALL] as Bounds) : exact(hi, lo);
}

/** The one value `value` (unsigned). */
export const known = (value: bigint): Bounds => knownHalves(highHalf(value), lowHalf(value));

/** The one value of a sign-extended immediate. */
export function knownImm(imm: number): Bounds {
  return imm >= -SMALL && imm <= SMALL ? (small[imm + SMALL] as Bounds) : exact(imm >> 31, imm);
}

/** Two descriptions of the same set of values. */
export function sameBounds(a: Bounds, b: Bounds): boolean {
  return (
    a === b ||
    (a.valueHi === b.valueHi &&
      a.valueLo === b.valueLo &&
      a.maskHi === b.maskHi &&
      a.maskLo === b.maskLo &&
      a.sminHi === b.sminHi &&
      a.sminLo === b.sminLo &&
      a.smaxHi === b.smaxHi &&
      a.smaxLo === b.smaxLo &&
      a.uminHi === b.uminHi &&
      a.uminLo === b.uminLo &&
      a.umaxHi === b.umaxHi &&
      a.umaxLo === b.umaxLo &&
      a.s32min === b.s32min &&
      a.s32max === b.s32max &&
      a.u32minBits === b.u32minBits &&
      a.u32maxBits === b.u32maxBits)
  );
}

/** Everything that `cur` allows, `old` allows. */
export const within = (old: Bounds, cur: Bounds): boolean =>
  old === cur ||
  (!ltU64(cur.uminHi, cur.uminLo, old.uminHi, old.uminLo) &&
    !ltU64(old.umaxHi, old.umaxLo, cur.umaxHi, cur.umaxLo) &&
    !ltS64(cur.sminHi, cur.sminLo, old.sminHi, old.sminLo) &&
    !ltS64(old.smaxHi, old.smaxLo, cur.smaxHi, cur.smaxLo) &&
    !ltU32(cur.u32minBits, old.u32minBits) &&
    !ltU32(old.u32maxBits, cur.u32maxBits) &&
    old.s32min <= cur.s32min &&
    old.s32max >= cur.s32max);

/** `tnum_in`: every value that `b`'s bits allow, `a`'s allow. */
export const bitsWithin = (a: Bounds, b: Bounds): boolean =>
  ((b.maskHi & ~a.maskHi) | (b.maskLo & ~a.maskLo)) === 0 &&
  a.valueHi === (b.valueHi & ~a.maskHi) &&
  a.valueLo === (b.valueLo & ~a.maskLo);

/** `tnum_is_aligned` of the sum with a constant; a multiple of a power of two shows in the low half. */
export function isAligned(b: Bounds, off: number, size: number): boolean {
  const sum = (b.valueLo + off) | 0;
  const unknown = ((b.maskLo + sum) ^ sum) | b.maskLo;
  return size === 0 || ((sum | unknown) & (size - 1)) === 0;
}

export function unboundS64(d: Bounds): void {
  d.sminHi = S32_MIN;
  d.sminLo = 0;
  d.smaxHi = S32_MAX;
  d.smaxLo = -1;
}
export function unboundU64(d: Bounds): void {
  d.uminHi = 0;
  d.uminLo = 0;
  d.umaxHi = -1;
  d.umaxLo = -1;
}
export function unboundS32(d: Bounds): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
}
export function unboundU32(d: Bounds): void {
  d.u32minBits = 0;
  d.u32maxBits = -1;
}

export function unbound64(b: Bounds): void {
  unboundS64(b);
  unboundU64(b);
}
export function unbound32(b: Bounds): void {
  unboundS32(b);
  unboundU32(b);
}

// --- narrowing one end

export function raiseUmin(b: Bounds, hi: number, lo: number): void {
  if (!ltU64(b.uminHi, b.uminLo, hi, lo)) return;
  b.uminHi = hi;
  b.uminLo = lo;
}
export function lowerUmax(b: Bounds, hi: number, lo: number): void {
  if (!ltU64(hi, lo, b.umaxHi, b.umaxLo)) return;
  b.umaxHi = hi;
  b.umaxLo = lo;
}
export function raiseSmin(b: Bounds, hi: number, lo: number): void {
  if (!ltS64(b.sminHi, b.sminLo, hi, lo)) return;
  b.sminHi = hi;
  b.sminLo = lo;
}
export function lowerSmax(b: Bounds, hi: number, lo: number): void {
  if (!ltS64(hi, lo, b.smaxHi, b.smaxLo)) return;
  b.smaxHi = hi;
  b.smaxLo = lo;
}
export function clampS32(b: Bounds, lo: number, hi: number): void {
  if (lo > b.s32min) b.s32min = lo;
  if (hi < b.s32max) b.s32max = hi;
}
/** @param lo an int32 bit pattern, as is `hi` */
export function clampU32(b: Bounds, lo: number, hi: number): void {
  if (ltU32(b.u32minBits, lo)) b.u32minBits = lo;
  if (ltU32(hi, b.u32maxBits)) b.u32maxBits = hi;
}

/** `__mark_reg32_known`: the low half is one value, nothing else is touched. */
export function withLow32(v: Bounds, low: number): Bounds {
  const b = v.copy();
  b.valueLo = low;
  b.maskLo = 0;
  b.s32min = b.s32max = b.u32minBits = b.u32maxBits = low;
  return b;
}

/** `__reg_assign_32_into_64` */
function assign32Into64(b: Bounds): void {
  b.uminHi = b.umaxHi = 0;
  b.uminLo = b.u32minBits;
  b.umaxLo = b.u32maxBits;
  b.sminHi = b.smaxHi = 0;
  const positive = b.s32min >= 0 && b.s32max >= 0;
  b.sminLo = positive ? b.s32min : 0;
  b.smaxLo = positive ? b.s32max : -1;
}

/** Result of a 32-bit operation: the upper half becomes zero. */
export function zeroExtend32(b: Bounds): void {
  b.valueHi = 0;
  b.maskHi = 0;
  assign32Into64(b);
}

/** `is_reg_const` for a 64- or 32-bit reading. */
export const isConstAs = (b: Bounds, sub32: boolean): boolean => (sub32 ? b.maskLo : b.maskHi | b.maskLo) === 0;

/** The 64-bit ranges are of one number. */
export const isOneValue = (b: Bounds): boolean =>
  b.sminLo === b.smaxLo && b.sminHi === b.smaxHi && b.uminLo === b.umaxLo && b.uminHi === b.umaxHi;
/** A 64-bit range has no number. */
export const isEmpty64 = (b: Bounds): boolean =>
  ltS64(b.smaxHi, b.smaxLo, b.sminHi, b.sminLo) || ltU64(b.umaxHi, b.umaxLo, b.uminHi, b.uminLo);

/** Why a description is empty or contradicts itself; undefined where it is fine. */
export function violation(b: Bounds): string | undefined {
  if (isEmpty64(b) || ltU32(b.u32maxBits, b.u32minBits) || b.s32min > b.s32max) return 'range bounds violation';
  const { valueHi, valueLo } = b;
  if (b.isConst) {
    const low = b.uminLo === valueLo && b.umaxLo === valueLo && b.sminLo === valueLo && b.smaxLo === valueLo;
    if (!low || b.uminHi !== valueHi || b.umaxHi !== valueHi || b.sminHi !== valueHi || b.smaxHi !== valueHi)
      return 'const tnum out of sync with range bounds';
  }
  if (b.maskLo === 0) {
    if (b.u32minBits !== valueLo || b.u32maxBits !== valueLo || b.s32min !== valueLo || b.s32max !== valueLo)
      return 'const subreg tnum out of sync with range bounds';
  }
  return undefined;
}

/** `*d = *from` */
export function assign(d: Bounds, from: Bounds): void {
  d.valueHi = from.valueHi;
  d.valueLo = from.valueLo;
  d.maskHi = from.maskHi;
  d.maskLo = from.maskLo;
  d.sminHi = from.sminHi;
  d.sminLo = from.sminLo;
  d.smaxHi = from.smaxHi;
  d.smaxLo = from.smaxLo;
  d.uminHi = from.uminHi;
  d.uminLo = from.uminLo;
  d.umaxHi = from.umaxHi;
  d.umaxLo = from.umaxLo;
  d.s32min = from.s32min;
  d.s32max = from.s32max;
  d.u32minBits = from.u32minBits;
  d.u32maxBits = from.u32maxBits;
}
