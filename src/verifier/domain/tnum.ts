/**
 * Tristate numbers (kernel/bpf/tnum.c; Vishwanathan et al., "Sound, Precise, and Fast Abstract
 * Interpretation with Tristate Numbers", CGO 2022): each of 64 bits is 0, 1 or unknown. A bit that
 * is set in `mask` is unknown and clear in `value`. Instances are immutable.
 */
import { bitLength, HIGH32, LOW32, s64, U64_MAX, u64 } from './u64.ts';

export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

export const tnum = (value: bigint, mask: bigint): Tnum => ({ value, mask });
export const TNUM_UNKNOWN: Tnum = tnum(0n, U64_MAX);
export const tnumConst = (value: bigint): Tnum => tnum(value, 0n);

/** The smallest tnum that holds every value of [min, max]. */
export function tnumRange(min: bigint, max: bigint): Tnum {
  const bits = bitLength(min ^ max);
  if (bits > 63) return TNUM_UNKNOWN;
  const delta = (1n << BigInt(bits)) - 1n;
  return tnum(min & ~delta, delta);
}

export const isConst = (t: Tnum): boolean => t.mask === 0n;
export const isUnknown = (t: Tnum): boolean => t.mask === U64_MAX;
export const isConstSubreg = (t: Tnum): boolean => (t.mask & LOW32) === 0n;

export const shl = (t: Tnum, by: number): Tnum => tnum(u64(t.value << BigInt(by)), u64(t.mask << BigInt(by)));
export const shr = (t: Tnum, by: number): Tnum => tnum(t.value >> BigInt(by), t.mask >> BigInt(by));
export function sar(t: Tnum, by: number, bits: 32 | 64): Tnum {
  const n = BigInt(by);
  if (bits === 64) return tnum(u64(s64(t.value) >> n), u64(s64(t.mask) >> n));
  const arith = (x: bigint): bigint => BigInt.asUintN(32, BigInt.asIntN(32, x) >> n);
  return tnum(arith(t.value), arith(t.mask));
}

export function add(a: Tnum, b: Tnum): Tnum {
  const values = u64(a.value + b.value);
  const carries = u64(a.mask + b.mask + values) ^ values;
  const unknown = carries | a.mask | b.mask;
  return tnum(values & ~unknown & U64_MAX, unknown);
}

export function sub(a: Tnum, b: Tnum): Tnum {
  const values = u64(a.value - b.value);
  const borrows = u64(values + a.mask) ^ u64(values - b.mask);
  const unknown = borrows | a.mask | b.mask;
  return tnum(values & ~unknown & U64_MAX, unknown);
}

export function and(a: Tnum, b: Tnum): Tnum {
  const ones = a.value & b.value;
  return tnum(ones, (a.value | a.mask) & (b.value | b.mask) & ~ones);
}

export function or(a: Tnum, b: Tnum): Tnum {
  const ones = a.value | b.value;
  return tnum(ones, (a.mask | b.mask) & ~ones);
}

export function xor(a: Tnum, b: Tnum): Tnum {
  const unknown = a.mask | b.mask;
  return tnum((a.value ^ b.value) & ~unknown, unknown);
}

/** Long multiplication; the certain part is one product, uncertainty is summed bit by bit. */
export function mul(a: Tnum, b: Tnum): Tnum {
  const certain = u64(a.value * b.value);
  if (a.mask === 0n && b.mask === 0n) return tnumConst(certain);
  let doubt = tnumConst(0n);
  let { value: av, mask: am } = a;
  let { value: bv, mask: bm } = b;
  while (av !== 0n || am !== 0n) {
    if (av & 1n) doubt = add(doubt, tnum(0n, bm));
    else if (am & 1n) doubt = add(doubt, tnum(0n, bv | bm));
    av >>= 1n;
    am >>= 1n;
    bv = u64(bv << 1n);
    bm = u64(bm << 1n);
  }
  return add(tnumConst(certain), doubt);
}

/** Both hold: the values agree on what either knows (callers guarantee that they can). */
export function intersect(a: Tnum, b: Tnum): Tnum {
  const unknown = a.mask & b.mask;
  return tnum((a.value | b.value) & ~unknown, unknown);
}

/** Some value is in both. */
export function overlaps(a: Tnum, b: Tnum): boolean {
  const certain = ~a.mask & ~b.mask;
  return (a.value & certain) === (b.value & certain);
}

/** Truncates to `size` bytes. */
export function cast(t: Tnum, size: number): Tnum {
  const keep = size >= 8 ? U64_MAX : (1n << BigInt(size * 8)) - 1n;
  return tnum(t.value & keep, t.mask & keep);
}

/** Every value of `b` is one of `a`. */
export function contains(a: Tnum, b: Tnum): boolean {
  if (b.mask & ~a.mask & U64_MAX) return false;
  return a.value === (b.value & ~a.mask);
}

export const isAligned = (t: Tnum, size: number): boolean =>
  size === 0 || ((t.value | t.mask) & BigInt(size - 1)) === 0n;

export const subreg = (t: Tnum): Tnum => tnum(t.value & LOW32, t.mask & LOW32);
export const withSubreg = (t: Tnum, low: Tnum): Tnum =>
  tnum((t.value & HIGH32) | (low.value & LOW32), (t.mask & HIGH32) | (low.mask & LOW32));

/** `tnum_strn`: `(0x0; 0xff)`, or the number where all bits are known */
export function formatTnum(t: Tnum): string {
  const hex = `0x${t.value.toString(16)}`;
  if (t.mask === 0n) return t.value <= 65535n ? `${t.value}` : hex;
  return `(${hex}; 0x${t.mask.toString(16)})`;
}
