/** Truncation and sign extension of what is known of a value (coerce_reg_to_size() and its signed forms). */
import { Bounds, clampS32, knownHalves, lowerSmax, raiseSmin, UNKNOWN, unbound32 } from './bounds.ts';
import { smear } from './pair.ts';
import { sync } from './sync.ts';

/** UNKNOWN, zero-extended from 0 to 4 bytes: what most loads give. */
const unknownLow = [0, 1, 2, 3, 4].map((size) => zeroExtendTo(UNKNOWN, size));

/** Zero-extends the low `size` bytes, fewer than 8. */
export const zeroExtend = (v: Bounds, size: number): Bounds =>
  v === UNKNOWN && size <= 4 ? (unknownLow[size] as Bounds) : zeroExtendTo(v, size);

function zeroExtendTo(v: Bounds, size: number): Bounds {
  const d = v.copy();
  const hi = size <= 4 ? 0 : 2 ** (8 * (size - 4)) - 1;
  const lo = size >= 4 ? -1 : 2 ** (8 * size) - 1;
  d.valueHi &= hi;
  d.valueLo &= lo;
  d.maskHi &= hi;
  d.maskLo &= lo;
  if (((d.uminHi ^ d.umaxHi) & ~hi) === 0 && ((d.uminLo ^ d.umaxLo) & ~lo) === 0) {
    d.uminHi &= hi;
    d.uminLo &= lo;
    d.umaxHi &= hi;
    d.umaxLo &= lo;
  } else {
    d.uminHi = 0;
    d.uminLo = 0;
    d.umaxHi = hi;
    d.umaxLo = lo;
  }
  d.sminHi = d.uminHi;
  d.sminLo = d.uminLo;
  d.smaxHi = d.umaxHi;
  d.smaxLo = d.umaxLo;
  if (size < 4) unbound32(d);
  return sync(d);
}

/** `lo` to `hi`, int32 both, as a 64-bit range with the bits that all have in common. */
function signedRange(lo: number, hi: number): Bounds {
  const b = new Bounds();
  b.sminHi = b.uminHi = lo >> 31;
  b.sminLo = b.uminLo = b.s32min = b.u32minBits = lo;
  b.smaxHi = b.umaxHi = hi >> 31;
  b.smaxLo = b.umaxLo = b.s32max = b.u32maxBits = hi;
  b.maskHi = 0;
  b.maskLo = smear(lo ^ hi);
  b.valueHi = lo >> 31;
  b.valueLo = lo & ~b.maskLo;
  return b;
}

/** Sign-extends the low `size` bytes to 64 bits. */
export function signExtend(v: Bounds, size: number): Bounds {
  const unused = 32 - size * 8;
  const cut = (x: number): number => (x << unused) >> unused;
  if (v.isConst) {
    const value = cut(v.valueLo);
    return knownHalves(value >> 31, value);
  }
  const a = cut(v.smaxLo);
  const b = cut(v.sminLo);
  const lo = Math.min(a, b);
  const hi = Math.max(a, b);
  const sameTop = v.smaxHi === v.sminHi && (unused === 0 || (v.smaxLo ^ v.sminLo) >>> (32 - unused) === 0);
  if (sameTop && hi >= 0 === lo >= 0) return signedRange(lo, hi);
  const d = new Bounds();
  d.s32max = d.smaxLo = 2 ** (size * 8 - 1) - 1;
  d.s32min = d.sminLo = -d.s32max - 1;
  d.smaxHi = 0;
  d.sminHi = -1;
  return d;
}

/** Sign-extends the low `size` bytes (1 or 2) to 32 bits; the caller clears the upper half. */
export function signExtend32(v: Bounds, size: number): Bounds {
  const bits = size * 8;
  const d = v.copy();
  const cut = (x: number): number => (x << (32 - bits)) >> (32 - bits);
  if (v.isConst) {
    const value = cut(v.valueLo);
    d.valueHi = value >> 31;
    d.valueLo = value;
    d.s32min = d.s32max = d.u32minBits = d.u32maxBits = value;
    return d;
  }
  const a = cut(v.s32max);
  const b = cut(v.s32min);
  const lo = Math.min(a, b);
  const hi = Math.max(a, b);
  d.valueHi = 0;
  d.maskHi = 0;
  if ((v.s32max ^ v.s32min) >>> bits === 0 && hi >= 0 === lo >= 0) {
    d.s32min = d.u32minBits = lo;
    d.s32max = d.u32maxBits = hi;
    d.maskLo = smear(lo ^ hi);
    d.valueLo = lo & ~d.maskLo;
    return d;
  }
  const max = 2 ** (bits - 1) - 1;
  d.s32min = -max - 1;
  d.s32max = max;
  d.u32minBits = 0;
  d.u32maxBits = -1;
  d.valueLo = 0;
  d.maskLo = -1;
  return d;
}

/** `__mark_reg_s32_range`: narrows to a signed 32-bit range, sign-extended. */
export function narrowS32(v: Bounds, min: number, max: number): Bounds {
  const d = v.copy();
  clampS32(d, min, max);
  raiseSmin(d, min >> 31, min);
  lowerSmax(d, max >> 31, max);
  return sync(d);
}
