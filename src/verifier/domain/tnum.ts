/**
 * Tristate numbers (kernel/bpf/tnum.c; Vishwanathan et al., "Sound, Precise, and Fast Abstract
 * Interpretation with Tristate Numbers", CGO 2022): each of 64 bits is 0, 1 or unknown. A bit that
 * is set in `mask` is unknown and clear in `value`. Instances are immutable. What is hot works on the halves
 * of a `Bounds`.
 */
import { bitLength, U64_MAX, u64 } from './u64.ts';

export interface Tnum {
  readonly value: bigint;
  readonly mask: bigint;
}

export const tnum = (value: bigint, mask: bigint): Tnum => ({ value, mask });
const TNUM_UNKNOWN: Tnum = tnum(0n, U64_MAX);
export const tnumConst = (value: bigint): Tnum => tnum(value, 0n);

/** The smallest tnum that holds every value of [min, max]. */
export function tnumRange(min: bigint, max: bigint): Tnum {
  const bits = bitLength(min ^ max);
  if (bits > 63) return TNUM_UNKNOWN;
  const delta = (1n << BigInt(bits)) - 1n;
  return tnum(min & ~delta, delta);
}

export const isUnknown = (t: Tnum): boolean => t.mask === U64_MAX;
export function add(a: Tnum, b: Tnum): Tnum {
  const values = u64(a.value + b.value);
  const carries = u64(a.mask + b.mask + values) ^ values;
  const unknown = carries | a.mask | b.mask;
  return tnum(values & ~unknown & U64_MAX, unknown);
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

/** Every value of `b` is one of `a`. */
export function contains(a: Tnum, b: Tnum): boolean {
  if (b.mask & ~a.mask & U64_MAX) return false;
  return a.value === (b.value & ~a.mask);
}

/** `tnum_strn`: `(0x0; 0xff)`, or the number where all bits are known */
export function formatTnum(t: Tnum): string {
  const hex = `0x${t.value.toString(16)}`;
  if (t.mask === 0n) return t.value <= 65535n ? `${t.value}` : hex;
  return `(${hex}; 0x${t.mask.toString(16)})`;
}
