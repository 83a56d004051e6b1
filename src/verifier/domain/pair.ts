/**
 * 64-bit numbers as two halves, both int32 bit patterns: what V8 keeps as small integers, in code that it has
 * compiled and in code that it interprets. Where one of them is unsigned, its sign bit is flipped to compare.
 */
export const SIGN = -0x8000_0000;

export const ltU32 = (a: number, b: number): boolean => (a ^ SIGN) < (b ^ SIGN);

export const ltU64 = (aHi: number, aLo: number, bHi: number, bLo: number): boolean =>
  aHi === bHi ? (aLo ^ SIGN) < (bLo ^ SIGN) : (aHi ^ SIGN) < (bHi ^ SIGN);

export const ltS64 = (aHi: number, aLo: number, bHi: number, bLo: number): boolean =>
  aHi === bHi ? (aLo ^ SIGN) < (bLo ^ SIGN) : aHi < bHi;

/** Carry out of a low half's addition, from one operand and the sum. */
export const carry = (sum: number, a: number): number => ((sum ^ SIGN) < (a ^ SIGN) ? 1 : 0);
/** Borrow of a low half's subtraction. */
export const borrow = (a: number, b: number): number => ((a ^ SIGN) < (b ^ SIGN) ? 1 : 0);

/** All bits from the highest set one down. */
export const smear = (x: number): number => (x === 0 ? 0 : (-1 >>> Math.clz32(x)) | 0);

/** The unsigned number; exact below 2^53. */
export const unsigned = (hi: number, lo: number): number => (hi >>> 0) * 0x1_0000_0000 + (lo >>> 0);
/** The signed number; exact from -2^53 to 2^53. */
export const signed = (hi: number, lo: number): number => hi * 0x1_0000_0000 + (lo >>> 0);

export const bigUnsigned = (hi: number, lo: number): bigint =>
  hi === 0 ? BigInt(lo >>> 0) : (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
export const bigSigned = (hi: number, lo: number): bigint =>
  hi === lo >> 31 ? BigInt(lo) : (BigInt(hi) << 32n) | BigInt(lo >>> 0);

export const lowHalf = (x: bigint): number => Number(BigInt.asIntN(32, x));
export const highHalf = (x: bigint): number => Number(BigInt.asIntN(32, x >> 32n));
