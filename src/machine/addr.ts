/**
 * Guest addresses as JavaScript numbers.
 *
 * An x86-64 address is canonical when bits 63..47 are equal (Intel SDM vol. 1, 3.3.7.1), so
 * as a *signed* number every canonical address lies in [-2^47, 2^47) and a double holds it
 * exactly: `ffffffff81000000` is -0x7f000000, the direct map `ffff888000000000` is
 * -0x778000000000. User space is positive. That keeps BigInt out of everything hot;
 * text and the public API use {@link formatAddr} and bigint.
 */
export type Addr = number;

const TWO32 = 0x1_0000_0000;

/** Address from the two halves of a register (`hi` signed or not); the caller has checked that it is canonical. */
export const addrOf = (lo: number, hi: number): Addr => (hi | 0) * TWO32 + (lo >>> 0);
/** Low 32 bits, as s32. */
export const addrLo = (a: Addr): number => a | 0;
/** High 32 bits, as s32. */
export const addrHi = (a: Addr): number => Math.floor(a / TWO32);
/** As u64. */
export const addrToBigInt = (a: Addr): bigint => BigInt.asUintN(64, BigInt(a));
/** From u64 or s64. */
export const addrFromBigInt = (a: bigint): Addr => Number(BigInt.asIntN(64, a));
/** Sixteen hexadecimal digits, as kallsyms prints them. */
export const formatAddr = (a: Addr): string =>
  (addrHi(a) >>> 0).toString(16).padStart(8, '0') + (addrLo(a) >>> 0).toString(16).padStart(8, '0');

/** Removes the keys in [start, end). */
export function dropRange(of: Pick<Set<Addr>, 'keys' | 'delete'>, start: Addr, end: Addr): void {
  for (const key of of.keys()) if (key >= start && key < end) of.delete(key);
}
