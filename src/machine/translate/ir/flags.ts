/**
 * Status flags, kept as what they follow from (Intel SDM vol. 1, 3.4.3.1) until somebody reads them.
 *
 *     kind        a        b           flags
 *     raw         RFLAGS               as they are
 *     add, sub    result   operand     of result - b + b, of result + b - b
 *     cmp         left     right       of left - right
 *     logic       result               CF = OF = AF = 0
 *     inc, dec    result               CF in the overlay
 *     shl shr sar result   operand     count in the code's bits 16..
 *
 * An overlay changes CF and OF (cf: only CF) of what lies under it:
 *
 *     cf    a: CF                 co    a: CF, b: OF
 *     rol   a: result             ror   a: result
 *     mul   a: upper half         imul  a, b: factors
 *
 * Undefined flags are what the stepper makes of them, so that both leave the same state.
 */
import { FLAG } from '../../cpu.ts';
import type { FlagKind, OverlayKind, Uop, Width } from './uop.ts';

export const FLAG_KINDS: readonly FlagKind[] = ['raw', 'add', 'sub', 'cmp', 'logic', 'inc', 'dec', 'shl', 'shr', 'sar'];
export const OVERLAY_KINDS: readonly OverlayKind[] = ['none', 'cf', 'co', 'rol', 'ror', 'imul', 'mul'];

/** Kind, width and shift count as one number: what generated code keeps in a local. */
export const flagCode = (kind: FlagKind, w: Width, count = 0): number =>
  FLAG_KINDS.indexOf(kind) | (w << 8) | (count << 16);
export const overlayCode = (kind: OverlayKind, w: Width): number => OVERLAY_KINDS.indexOf(kind) | (w << 8);

/** What is known of the flags at a point. */
export interface FlagState {
  readonly kind: FlagKind;
  readonly w: Width;
  readonly over: OverlayKind;
  readonly ow: Width;
}

/** Where other code ran before: at the start, behind a call. */
export const ANY_FLAGS: FlagState = { kind: 'any', w: 8, over: 'any', ow: 8 };

export function afterUop(s: FlagState, u: Uop): FlagState {
  switch (u.op) {
    case 'flags':
      return { kind: u.kind, w: u.w, over: 'none', ow: 8 };
    case 'flags.var':
      return { ...s, kind: 'any', over: s.over === 'none' ? 'none' : 'any' };
    case 'overlay':
      return { ...s, over: u.kind, ow: u.w };
    default:
      return s;
  }
}

/** What is known of flags that are as `a` or as `b` say: `a` itself where that is all that `a` says. */
export function meetFlags(a: FlagState, b: FlagState): FlagState {
  const same = a.kind === b.kind && a.w === b.w;
  const over = a.over === b.over && a.ow === b.ow;
  if ((same || (a.kind === 'any' && a.w === 8)) && (over || (a.over === 'any' && a.ow === 8))) return a;
  return {
    kind: same ? a.kind : 'any',
    w: same ? a.w : 8,
    over: over ? a.over : 'any',
    ow: over ? a.ow : 8,
  };
}

const parityFlag = (value: number): number => {
  const folded = (value ^ (value >>> 4)) & 15;
  return ((0x9669 >>> folded) & 1) << 2;
};

/** Sign and zero and parity of a result in `bits` bits. */
function resultFlags(lo: number, hi: number, bits: number): number {
  const top = bits === 64 ? hi : lo << (32 - bits);
  const zero = bits === 64 ? (lo | hi) === 0 : top === 0;
  return (top < 0 ? FLAG.SF : 0) | (zero ? FLAG.ZF : 0) | parityFlag(lo);
}

/** CF, OF and AF from the carries out of every bit (see exec/flags.ts). */
function carryFlags(cLo: number, cHi: number, bits: number): number {
  const c = bits === 64 ? cHi : cLo << (32 - bits);
  return (c >>> 31) | ((c ^ (c << 1)) < 0 ? FLAG.OF : 0) | ((cLo >>> 3) & 1 ? FLAG.AF : 0);
}

const bitOf = (lo: number, hi: number, n: number): number => (n < 32 ? lo >>> n : hi >>> (n - 32)) & 1;

/** The status bits of RFLAGS for code, a and b (as halves). */
function mainFlags(code: number, aLo: number, aHi: number, bLo: number, bHi: number): number {
  const bits = 8 * ((code >> 8) & 0xff);
  const count = code >> 16;
  switch (FLAG_KINDS[code & 0xff]) {
    case 'raw':
      return aLo;
    case 'add': {
      const xLo = (aLo - bLo) | 0;
      const xHi = (aHi - bHi - (aLo >>> 0 < bLo >>> 0 ? 1 : 0)) | 0;
      const cLo = (xLo & bLo) | ((xLo | bLo) & ~aLo);
      const cHi = (xHi & bHi) | ((xHi | bHi) & ~aHi);
      return resultFlags(aLo, aHi, bits) | carryFlags(cLo, cHi, bits);
    }
    case 'sub': {
      const xLo = (aLo + bLo) | 0;
      const xHi = (aHi + bHi + (xLo >>> 0 < aLo >>> 0 ? 1 : 0)) | 0;
      return difference(xLo, xHi, bLo, bHi, aLo, aHi, bits);
    }
    case 'cmp': {
      const rLo = (aLo - bLo) | 0;
      const rHi = (aHi - bHi - (aLo >>> 0 < bLo >>> 0 ? 1 : 0)) | 0;
      return difference(aLo, aHi, bLo, bHi, rLo, rHi, bits);
    }
    case 'logic':
      return resultFlags(aLo, aHi, bits);
    case 'inc':
    case 'dec': {
      const inc = FLAG_KINDS[code & 0xff] === 'inc';
      const top = bits === 64 ? aHi : aLo << (32 - bits);
      const rest = bits === 64 ? aLo : 0;
      const of = inc ? top === -0x8000_0000 && rest === 0 : top === limitTop(bits) && (bits < 64 || rest === -1);
      const af = inc ? (aLo & 15) === 0 : (aLo & 15) === 15;
      return resultFlags(aLo, aHi, bits) | (of ? FLAG.OF : 0) | (af ? FLAG.AF : 0);
    }
    case 'shl': {
      const cf = count <= bits ? bitOf(bLo, bHi, bits - count) : 0;
      return resultFlags(aLo, aHi, bits) | cf | (bitOf(aLo, aHi, bits - 1) ^ cf ? FLAG.OF : 0);
    }
    case 'shr': {
      const cf = count <= bits ? bitOf(bLo, bHi, count - 1) : 0;
      return resultFlags(aLo, aHi, bits) | cf | (bitOf(bLo, bHi, bits - 1) ? FLAG.OF : 0);
    }
    default: {
      const at = Math.min(count - 1, bits - 1);
      return resultFlags(aLo, aHi, bits) | bitOf(bLo, bHi, at);
    }
  }
}

/** Top word of the largest positive value of `bits` bits, moved up. */
const limitTop = (bits: number): number => (bits >= 32 ? 0x7fff_ffff : (((1 << (bits - 1)) - 1) << (32 - bits)) | 0);

function difference(
  xLo: number,
  xHi: number,
  bLo: number,
  bHi: number,
  rLo: number,
  rHi: number,
  bits: number,
): number {
  const cLo = (~xLo & bLo) | (~(xLo ^ bLo) & rLo);
  const cHi = (~xHi & bHi) | (~(xHi ^ bHi) & rHi);
  return resultFlags(rLo, rHi, bits) | carryFlags(cLo, cHi, bits);
}

/** Whether a signed product does not fit in `bits` bits. */
function productOverflows(aLo: number, aHi: number, bLo: number, bHi: number, bits: number): boolean {
  if (bits === 32) {
    // 64 bits are exact in a BigInt; imul's flags are read about never
    const p = BigInt(aLo | 0) * BigInt(bLo | 0);
    return BigInt.asIntN(32, p) !== p;
  }
  const p = signed64(aLo, aHi) * signed64(bLo, bHi);
  return BigInt.asIntN(64, p) !== p;
}
const signed64 = (lo: number, hi: number): bigint => (BigInt(hi | 0) << 32n) | BigInt(lo >>> 0);

/** Mailbox words (s32 index) in which generated code leaves the flags. */
export interface FlagWords {
  readonly words: Int32Array;
  readonly code: number;
  readonly over: number;
  readonly a: number;
  readonly b: number;
  readonly oa: number;
  readonly ob: number;
}

const both = (main: number, cf: number | boolean, of: number | boolean): number =>
  (main & ~(FLAG.CF | FLAG.OF)) | (cf ? FLAG.CF : 0) | (of ? FLAG.OF : 0);

/** Status bits of RFLAGS from the mailbox. */
export function settle(f: FlagWords): number {
  const { words: m } = f;
  const main = mainFlags(m[f.code]!, m[f.a]!, m[f.a + 1]!, m[f.b]!, m[f.b + 1]!);
  const over = m[f.over]!;
  const bits = 8 * ((over >> 8) & 0xff);
  const lo = m[f.oa]!;
  const hi = m[f.oa + 1]!;
  switch (OVERLAY_KINDS[over & 0xff]) {
    case 'cf':
      return (main & ~FLAG.CF) | (lo & 1);
    case 'co':
      return both(main, lo & 1, m[f.ob]! & 1);
    case 'rol':
      return both(main, lo & 1, bitOf(lo, hi, bits - 1) ^ (lo & 1));
    case 'ror': {
      const cf = bitOf(lo, hi, bits - 1);
      return both(main, cf, cf ^ bitOf(lo, hi, bits - 2));
    }
    case 'mul':
      return both(main, lo | hi, lo | hi);
    case 'imul': {
      const o = productOverflows(lo, hi, m[f.ob]!, m[f.ob + 1]!, bits);
      return both(main, o, o);
    }
    default:
      return main;
  }
}
