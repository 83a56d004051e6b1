/**
 * Arithmetic flags, kept as the words from which they are computed when somebody reads them
 * (Intel SDM vol. 1, 3.4.3.1 "Status Flags").
 *
 *     Z   zero exactly when ZF is set: the result's halves or-ed
 *     S   its sign bit is SF: the result's top half
 *     P   its low byte has PF's parity: the result's low half
 *     C   carries out of every bit, moved up so that the operand's top bit is bit 31:
 *         CF is bit 31, OF is bit 31 xor bit 30
 *     A   carries out of the low half's bits: AF is bit 3
 *
 * With carries c, sums have c = (a & b) | ((a | b) & ~r) and differences c = (~a & b) | (~(a ^ b) & r).
 */
import { FLAG } from '../../x86/index.ts';

/** Pairs that a 64-bit store fills at once: result (P, S) and carries (A, C). */
export const P = 0;
export const S = 1;
export const A = 2;
export const C = 3;
export const Z = 4;
/** How many there are. */
export const FLAG_WORDS = 5;

/** All six status flags of RFLAGS. */
export const STATUS = FLAG.CF | FLAG.PF | FLAG.AF | FLAG.ZF | FLAG.SF | FLAG.OF;

/** The RFLAGS bits that the words say. */
export function readStatus(f: Int32Array): number {
  const c = f[C] as number;
  return (
    (c >>> 31) |
    (parity(f[P] as number) << 2) |
    ((((f[A] as number) >>> 3) & 1) << 4) |
    (f[Z] === 0 ? FLAG.ZF : 0) |
    ((f[S] as number) < 0 ? FLAG.SF : 0) |
    ((c ^ (c << 1)) < 0 ? FLAG.OF : 0)
  );
}

/** Words that say these RFLAGS bits. */
export function writeStatus(f: Int32Array, rflags: number): void {
  f[Z] = rflags & FLAG.ZF ? 0 : 1;
  f[S] = rflags & FLAG.SF ? -1 : 0;
  f[P] = rflags & FLAG.PF ? 0 : 1;
  f[A] = rflags & FLAG.AF ? 8 : 0;
  setCarryOverflow(f, rflags & FLAG.CF, rflags & FLAG.OF);
}

/** 1 where the low byte has an even number of ones. */
export function parity(value: number): number {
  const folded = (value ^ (value >>> 4)) & 15;
  return (0x9669 >>> folded) & 1;
}

/** CF as 0 or 1. */
export const carry = (f: Int32Array): number => (f[C] as number) >>> 31;

/** Sets CF and OF (any non-zero number is true). */
export function setCarryOverflow(f: Int32Array, cf: number, of: number): void {
  f[C] = ((cf ? 0x80000000 : 0) ^ (!cf === !of ? 0 : 0x40000000)) | 0;
}

export function setCarry(f: Int32Array, cf: number): void {
  const c = f[C] as number;
  setCarryOverflow(f, cf, (c ^ (c << 1)) < 0 ? 1 : 0);
}

/** ZF, SF and PF of a result (sign-extended to 64 bits), CF, OF and AF clear: and, or, xor, test. */
export function setLogic(f: Int32Array, lo: number, hi: number): void {
  f[Z] = lo | hi;
  f[S] = hi;
  f[P] = lo;
  f[C] = 0;
  f[A] = 0;
}

/** Condition code 0..15 (SDM vol. 2D, B.1.4.7). */
export function condition(f: Int32Array, cc: number): boolean {
  let truth: boolean;
  const c = f[C] as number;
  switch (cc >> 1) {
    case 0:
      truth = (c ^ (c << 1)) < 0;
      break;
    case 1:
      truth = c < 0;
      break;
    case 2:
      truth = f[Z] === 0;
      break;
    case 3:
      truth = c < 0 || f[Z] === 0;
      break;
    case 4:
      truth = (f[S] as number) < 0;
      break;
    case 5:
      truth = parity(f[P] as number) === 1;
      break;
    case 6:
      truth = ((f[S] as number) ^ c ^ (c << 1)) < 0;
      break;
    default:
      truth = ((f[S] as number) ^ c ^ (c << 1)) < 0 || f[Z] === 0;
  }
  return truth !== ((cc & 1) === 1);
}
