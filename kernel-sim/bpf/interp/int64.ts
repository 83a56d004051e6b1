/**
 * 64-bit division on pairs of 32-bit halves, without BigInt and without allocating: answers are
 * left in {@link out}. Hacker's Delight section 9-3 for why the cases are what they are.
 */

/** Quotient lo, hi, remainder lo, hi of the last {@link udivmod64}. */
export const out = new Int32Array(4);

const TWO32 = 0x1_0000_0000;
const MAX_SAFE_HI = 1 << 21;

/** Unsigned quotient and remainder; a divisor of zero is the caller's to handle. */
export function udivmod64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  const bl = bLo >>> 0;
  if (bHi === 0) {
    if (aHi === 0) {
      const al = aLo >>> 0;
      const q = (al / bl) >>> 0;
      put(q, 0, al - q * bl, 0);
      return;
    }
    if (bl < MAX_SAFE_HI) {
      // Schoolbook with one 32-bit digit: remainder * 2^32 + low stays below 2^53, so doubles are exact.
      const ah = aHi >>> 0;
      const qh = (ah / bl) >>> 0;
      const rest = (ah - qh * bl) * TWO32 + (aLo >>> 0);
      const ql = Math.floor(rest / bl);
      put(ql, qh, rest - ql * bl, 0);
      return;
    }
  }
  shiftSubtract(aLo, aHi, bLo, bHi);
}

/** Signed quotient and remainder, truncated towards zero; INT64_MIN / -1 wraps to INT64_MIN. */
export function sdivmod64(aLo: number, aHi: number, bLo: number, bHi: number): void {
  const aNeg = aHi < 0;
  const bNeg = bHi < 0;
  if (aNeg) {
    aHi = (~aHi + (aLo === 0 ? 1 : 0)) | 0;
    aLo = -aLo | 0;
  }
  if (bNeg) {
    bHi = (~bHi + (bLo === 0 ? 1 : 0)) | 0;
    bLo = -bLo | 0;
  }
  udivmod64(aLo, aHi, bLo, bHi);
  if (aNeg !== bNeg) negate(0);
  if (aNeg) negate(2);
}

function put(qLo: number, qHi: number, rLo: number, rHi: number): void {
  out[0] = qLo | 0;
  out[1] = qHi | 0;
  out[2] = rLo | 0;
  out[3] = rHi | 0;
}

function negate(at: number): void {
  const lo = out[at]!;
  out[at + 1] = ~out[at + 1]! + (lo === 0 ? 1 : 0);
  out[at] = -lo;
}

/** One bit a step, starting at the dividend's highest set bit. */
function shiftSubtract(aLo: number, aHi: number, bLo: number, bHi: number): void {
  let qLo = 0;
  let qHi = 0;
  let rLo = 0;
  let rHi = 0;
  const bl = bLo >>> 0;
  const bh = bHi >>> 0;
  for (let bit = aHi !== 0 ? 63 - Math.clz32(aHi) : 31 - Math.clz32(aLo); bit >= 0; bit--) {
    const carry = rHi < 0;
    rHi = (rHi << 1) | (rLo >>> 31);
    rLo = (rLo << 1) | ((bit >= 32 ? aHi >>> (bit - 32) : aLo >>> bit) & 1);
    const rl = rLo >>> 0;
    const rh = rHi >>> 0;
    if (carry || rh > bh || (rh === bh && rl >= bl)) {
      rHi = (rHi - bHi - (rl < bl ? 1 : 0)) | 0;
      rLo = (rLo - bLo) | 0;
      if (bit >= 32) qHi |= 1 << (bit - 32);
      else qLo |= 1 << bit;
    }
  }
  put(qLo, qHi, rLo, rHi);
}
