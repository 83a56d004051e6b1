/** Flags of the hot loop's shifts and multiplications where somebody reads them; rules as in shift.ts and muldiv.ts. */
import { setCarryOverflow, setLogic } from './flags.ts';
import { mul128, mulHigh32, wide } from './wide.ts';

const bit = (lo: number, hi: number, n: number): number => (n < 32 ? lo >>> n : hi >>> (n - 32)) & 1;

/** Operand, count (not 0), result. */
export function shlFlags64(f: Int32Array, lo: number, hi: number, k: number, rLo: number, rHi: number): void {
  setLogic(f, rLo, rHi);
  const cf = bit(lo, hi, 64 - k);
  setCarryOverflow(f, cf, (rHi >>> 31) ^ cf);
}

export function shrFlags64(f: Int32Array, lo: number, hi: number, k: number, rLo: number, rHi: number): void {
  setLogic(f, rLo, rHi);
  setCarryOverflow(f, bit(lo, hi, k - 1), hi >>> 31);
}

export function sarFlags64(f: Int32Array, lo: number, hi: number, k: number, rLo: number, rHi: number): void {
  setLogic(f, rLo, rHi);
  setCarryOverflow(f, bit(lo, hi, k - 1), 0);
}

export function shlFlags32(f: Int32Array, a: number, k: number, r: number): void {
  setLogic(f, r, r);
  const cf = (a >>> (32 - k)) & 1;
  setCarryOverflow(f, cf, (r >>> 31) ^ cf);
}

export function shrFlags32(f: Int32Array, a: number, k: number, r: number): void {
  setLogic(f, r, r);
  setCarryOverflow(f, (a >>> (k - 1)) & 1, a >>> 31);
}

export function sarFlags32(f: Int32Array, a: number, k: number, r: number): void {
  setLogic(f, r, r);
  setCarryOverflow(f, (a >> (k - 1)) & 1, 0);
}

/** Signed product's low half, high half in wide.hi; CF and OF where it does not fit. */
export function imulFlags64(f: Int32Array, aLo: number, aHi: number, bLo: number, bHi: number): number {
  const lo = mul128(aLo, aHi, bLo, bHi);
  let upLo = wide.lo2;
  let upHi = wide.hi2;
  if (aHi < 0) {
    upHi = (upHi - bHi - (upLo >>> 0 < bLo >>> 0 ? 1 : 0)) | 0;
    upLo = (upLo - bLo) | 0;
  }
  if (bHi < 0) {
    upHi = (upHi - aHi - (upLo >>> 0 < aLo >>> 0 ? 1 : 0)) | 0;
    upLo = (upLo - aLo) | 0;
  }
  const sign = wide.hi >> 31;
  const over = upLo !== sign || upHi !== sign ? 1 : 0;
  setCarryOverflow(f, over, over);
  return lo;
}

export function imulFlags32(f: Int32Array, a: number, b: number): number {
  const r = Math.imul(a, b);
  let upper = mulHigh32(a, b);
  if (a < 0) upper = (upper - b) | 0;
  if (b < 0) upper = (upper - a) | 0;
  const over = upper !== r >> 31 ? 1 : 0;
  setCarryOverflow(f, over, over);
  return r;
}
