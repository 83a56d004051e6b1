/** 64-bit arithmetic on BigInt: unsigned values are 0..2^64-1, signed ones -2^63..2^63-1. */
export const U64_MAX = (1n << 64n) - 1n;
export const S64_MAX = (1n << 63n) - 1n;
export const S64_MIN = -(1n << 63n);
export const U32_MAX = 0xffff_ffff;
export const S32_MAX = 0x7fff_ffff;
export const S32_MIN = -0x8000_0000;
export const LOW32 = 0xffff_ffffn;
export const HIGH32 = 0xffff_ffff_0000_0000n;

/** To unsigned 64 bits. */
export const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
/** To signed 64 bits. */
export const s64 = (x: bigint): bigint => BigInt.asIntN(64, x);
/** Low half as an unsigned number. */
export const lowU32 = (x: bigint): number => Number(BigInt.asUintN(32, x));
/** Low half as a signed number. */
export const lowS32 = (x: bigint): number => Number(BigInt.asIntN(32, x));
/** High half as an unsigned number. */
export const highU32 = (x: bigint): number => Number(BigInt.asUintN(32, x >> 32n));

export const minBig = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const maxBig = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Whether `x` has exactly one bit set. */
export const isPowerOf2 = (x: bigint): boolean => x !== 0n && (x & (x - 1n)) === 0n;

/** Position of the highest set bit, counted from 1; 0 for 0. */
export function bitLength(x: bigint): number {
  const high = highU32(x);
  return high !== 0 ? 64 - Math.clz32(high) : 32 - Math.clz32(lowU32(x));
}
