/**
 * 64-bit arithmetic over s32 halves, without BigInt and without allocation: functions return the
 * low half and leave the high half in {@link wide}.hi (remainders, upper products in its other fields).
 */
export const wide = { hi: 0, lo2: 0, hi2: 0 };

export function shl64(lo: number, hi: number, count: number): number {
  if (count === 0) {
    wide.hi = hi;
    return lo;
  }
  if (count >= 32) {
    wide.hi = lo << (count - 32);
    return 0;
  }
  wide.hi = (hi << count) | (lo >>> (32 - count));
  return lo << count;
}

export function shr64(lo: number, hi: number, count: number): number {
  if (count === 0) {
    wide.hi = hi;
    return lo;
  }
  if (count >= 32) {
    wide.hi = 0;
    return (hi >>> (count - 32)) | 0;
  }
  wide.hi = (hi >>> count) | 0;
  return (lo >>> count) | (hi << (32 - count));
}

export function sar64(lo: number, hi: number, count: number): number {
  if (count === 0) {
    wide.hi = hi;
    return lo;
  }
  if (count >= 32) {
    wide.hi = hi >> 31;
    return hi >> (count - 32);
  }
  wide.hi = hi >> count;
  return (lo >>> count) | (hi << (32 - count));
}

/** Upper 32 bits of the unsigned product of two 32-bit numbers. */
export function mulHigh32(a: number, b: number): number {
  const a0 = a & 0xffff;
  const a1 = a >>> 16;
  const b0 = b & 0xffff;
  const b1 = b >>> 16;
  const low = Math.imul(a0, b0);
  const mid1 = (Math.imul(a1, b0) + (low >>> 16)) | 0;
  const mid2 = (Math.imul(a0, b1) + (mid1 & 0xffff)) | 0;
  return (Math.imul(a1, b1) + (mid1 >>> 16) + (mid2 >>> 16)) | 0;
}

/** Unsigned 64 × 64 → 128: low half returned and in `hi`, upper half in `lo2`, `hi2`. */
export function mul128(aLo: number, aHi: number, bLo: number, bHi: number): number {
  const p0 = Math.imul(aLo, bLo);
  // column 1
  let sum = (mulHigh32(aLo, bLo) >>> 0) + (Math.imul(aLo, bHi) >>> 0) + (Math.imul(aHi, bLo) >>> 0);
  const p1 = sum | 0;
  let carry = Math.floor(sum / 0x1_0000_0000);
  // column 2
  sum = (mulHigh32(aLo, bHi) >>> 0) + (mulHigh32(aHi, bLo) >>> 0) + (Math.imul(aHi, bHi) >>> 0) + carry;
  wide.lo2 = sum | 0;
  carry = Math.floor(sum / 0x1_0000_0000);
  wide.hi2 = (mulHigh32(aHi, bHi) + carry) | 0;
  wide.hi = p1;
  return p0;
}

/** Whether a < b, unsigned. */
export const below64 = (aLo: number, aHi: number, bLo: number, bHi: number): boolean =>
  aHi === bHi ? aLo >>> 0 < bLo >>> 0 : aHi >>> 0 < bHi >>> 0;

const TWO32 = 0x1_0000_0000;
const EXACT = 0x20_0000; // high halves below this keep the number under 2^53

/** Unsigned 64 / 64, divisor not 0: quotient returned and in `hi`, remainder in `lo2`, `hi2`. */
export function div64(aLo: number, aHi: number, bLo: number, bHi: number): number {
  if (aHi === 0 && bHi === 0) {
    const n = aLo >>> 0;
    const d = bLo >>> 0;
    wide.hi = wide.hi2 = 0;
    wide.lo2 = (n % d) | 0;
    return (n / d) | 0 || Math.floor(n / d) | 0;
  }
  if (aHi >>> 0 < EXACT && bHi >>> 0 < EXACT) {
    const n = (aHi >>> 0) * TWO32 + (aLo >>> 0);
    const d = (bHi >>> 0) * TWO32 + (bLo >>> 0);
    const r = n % d;
    const q = (n - r) / d; // both exact
    const qHi = Math.floor(q / TWO32);
    const rHi = Math.floor(r / TWO32);
    wide.hi = qHi | 0;
    wide.hi2 = rHi | 0;
    wide.lo2 = (r - rHi * TWO32) | 0;
    return (q - qHi * TWO32) | 0;
  }
  // Estimate the quotient in floating point, keep it low, subtract; what is left is exact after two or three rounds.
  const d = (bHi >>> 0) * TWO32 + (bLo >>> 0);
  let rLo = aLo;
  let rHi = aHi;
  let qLo = 0;
  let qHi = 0;
  while (!below64(rLo, rHi, bLo, bHi)) {
    const n = (rHi >>> 0) * TWO32 + (rLo >>> 0);
    let estimate = Math.floor((n / d) * (1 - 2 ** -50));
    if (estimate < 1) estimate = 1;
    const eHi = Math.floor(estimate / TWO32) | 0;
    const eLo = (estimate % TWO32) | 0;
    // r -= e * b, q += e
    const pLo = Math.imul(eLo, bLo);
    const pHi = (mulHigh32(eLo, bLo) + Math.imul(eLo, bHi) + Math.imul(eHi, bLo)) | 0;
    const borrow = rLo >>> 0 < pLo >>> 0 ? 1 : 0;
    rLo = (rLo - pLo) | 0;
    rHi = (rHi - pHi - borrow) | 0;
    const sum = (qLo >>> 0) + (eLo >>> 0);
    qLo = sum | 0;
    qHi = (qHi + eHi + (sum >= TWO32 ? 1 : 0)) | 0;
  }
  wide.hi = qHi;
  wide.lo2 = rLo;
  wide.hi2 = rHi;
  return qLo;
}

/**
 * Unsigned 128 / 64 with the upper half below the divisor (so that the quotient fits): as {@link div64}.
 * One bit at a time (Knuth vol. 2, 4.3.1 in base 2); compilers' divisions have a zero or sign-extended upper half.
 */
export function div128(aLo: number, aHi: number, upperLo: number, upperHi: number, bLo: number, bHi: number): number {
  if ((upperLo | upperHi) === 0) return div64(aLo, aHi, bLo, bHi);
  let rLo = upperLo;
  let rHi = upperHi;
  let lo = aLo;
  let hi = aHi;
  for (let bit = 0; bit < 64; bit++) {
    const out = rHi < 0;
    rHi = (rHi << 1) | (rLo >>> 31);
    rLo = (rLo << 1) | (hi >>> 31);
    hi = (hi << 1) | (lo >>> 31);
    lo <<= 1;
    if (out || !below64(rLo, rHi, bLo, bHi)) {
      const borrow = rLo >>> 0 < bLo >>> 0 ? 1 : 0;
      rLo = (rLo - bLo) | 0;
      rHi = (rHi - bHi - borrow) | 0;
      lo |= 1;
    }
  }
  wide.hi = hi;
  wide.lo2 = rLo;
  wide.hi2 = rHi;
  return lo;
}
