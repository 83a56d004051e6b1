/** Truncation and sign extension of what is known of a value (coerce_reg_to_size() and its signed forms). */
import { Bounds, known, sync, unbound32 } from './bounds.ts';
import * as T from './tnum.ts';
import { S32_MAX, S32_MIN, U32_MAX, U64_MAX, u64 } from './u64.ts';

/** Zero-extends the low `size` bytes. */
export function zeroExtend(v: Bounds, size: number): Bounds {
  const d = v.copy();
  d.tnum = T.cast(d.tnum, size);
  const mask = (1n << BigInt(size * 8)) - 1n;
  if ((d.umin & ~mask) === (d.umax & ~mask)) {
    d.umin &= mask;
    d.umax &= mask;
  } else {
    d.umin = 0n;
    d.umax = mask;
  }
  d.smin = d.umin;
  d.smax = d.umax;
  if (size < 4) unbound32(d);
  return sync(d);
}

/** Sign-extends the low `size` bytes to 64 bits. */
export function signExtend(v: Bounds, size: number): Bounds {
  const bits = size * 8;
  if (v.isConst) return known(u64(BigInt.asIntN(bits, v.tnum.value)));
  const a = BigInt.asIntN(bits, v.smax);
  const b = BigInt.asIntN(bits, v.smin);
  const shift = BigInt(bits);
  const sameTop = u64(v.smax) >> shift === u64(v.smin) >> shift;
  const hi = a > b ? a : b;
  const lo = a > b ? b : a;
  if (sameTop && hi >= 0n === lo >= 0n) {
    const lo32 = Number(lo);
    const hi32 = Number(hi);
    return new Bounds(T.tnumRange(u64(lo), u64(hi)), lo, hi, u64(lo), u64(hi), lo32, hi32, lo32 >>> 0, hi32 >>> 0);
  }
  const max = (1n << (shift - 1n)) - 1n;
  return new Bounds(T.TNUM_UNKNOWN, -max - 1n, max, 0n, U64_MAX, Number(-max - 1n), Number(max), 0, U32_MAX);
}

/** Sign-extends the low `size` bytes (1 or 2) to 32 bits; the caller clears the upper half. */
export function signExtend32(v: Bounds, size: number): Bounds {
  const bits = size * 8;
  const d = v.copy();
  if (v.isConst) {
    const value = Number(BigInt.asIntN(bits, v.tnum.value));
    d.tnum = T.tnumConst(u64(BigInt(value)));
    d.s32min = value;
    d.s32max = value;
    d.u32min = value >>> 0;
    d.u32max = value >>> 0;
    return d;
  }
  const cut = (x: number): number => (x << (32 - bits)) >> (32 - bits);
  const a = cut(v.s32max);
  const b = cut(v.s32min);
  const lo = Math.min(a, b);
  const hi = Math.max(a, b);
  if ((v.s32max >>> 0) >>> bits === (v.s32min >>> 0) >>> bits && hi >= 0 === lo >= 0) {
    d.s32min = lo;
    d.s32max = hi;
    d.u32min = lo >>> 0;
    d.u32max = hi >>> 0;
    d.tnum = T.subreg(T.tnumRange(u64(BigInt(lo)), u64(BigInt(hi))));
    return d;
  }
  const max = 2 ** (bits - 1) - 1;
  d.s32min = -max - 1;
  d.s32max = max;
  d.u32min = 0;
  d.u32max = U32_MAX;
  d.tnum = T.subreg(T.TNUM_UNKNOWN);
  return d;
}

/** `__mark_reg_s32_range`: narrows to a signed 32-bit range, sign-extended. */
export function clampS32(v: Bounds, min: number, max: number): Bounds {
  const d = v.copy();
  d.s32min = Math.max(d.s32min, min);
  d.s32max = Math.min(d.s32max, max);
  d.smin = d.smin > BigInt(min) ? d.smin : BigInt(min);
  d.smax = d.smax < BigInt(max) ? d.smax : BigInt(max);
  return sync(d);
}

export const isS32 = (x: bigint): boolean => x >= BigInt(S32_MIN) && x <= BigInt(S32_MAX);
