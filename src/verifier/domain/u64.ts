/** 64-bit arithmetic on BigInt: unsigned values are 0..2^64-1, signed ones -2^63..2^63-1. */
export const U64_MAX = (1n << 64n) - 1n;
export const S64_MAX = (1n << 63n) - 1n;
export const S64_MIN = -(1n << 63n);
export const U32_MAX = 0xffff_ffff;
export const S32_MAX = 0x7fff_ffff;
export const S32_MIN = -0x8000_0000;

/** To unsigned 64 bits. */
export const u64 = (x: bigint): bigint => BigInt.asUintN(64, x);
/** To signed 64 bits. */
export const s64 = (x: bigint): bigint => BigInt.asIntN(64, x);
/** Position of the highest set bit, counted from 1; 0 for 0. */
export const bitLength = (x: bigint): number => (x === 0n ? 0 : u64(x).toString(2).length);
