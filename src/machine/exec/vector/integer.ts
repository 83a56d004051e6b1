/** Integer lanes of SSE2 (Intel SDM vol. 2B, the entry of each mnemonic): `d` becomes d op s. */
import type { Lanes } from './lanes.ts';

export type VectorOp = (d: Lanes, s: Lanes, imm: number) => void;

type View = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32';
/** each lane by itself; a typed array keeps the low bits of what it is given */
const each =
  (view: View, op: (a: number, b: number) => number): VectorOp =>
  (d, s) => {
    const [a, b] = [d[view], s[view]];
    for (let n = 0; n < a.length; n++) a[n] = op(a[n]!, b[n]!);
  };
const clamp = (low: number, high: number) => (value: number) => Math.max(low, Math.min(high, value));
const toI8 = clamp(-128, 127);
const toU8 = clamp(0, 255);
const toI16 = clamp(-32768, 32767);
const toU16 = clamp(0, 65535);

const add = (a: number, b: number): number => a + b;
const sub = (a: number, b: number): number => a - b;
const equal = (a: number, b: number): number => (a === b ? -1 : 0);
const greater = (a: number, b: number): number => (a > b ? -1 : 0);
const average = (a: number, b: number): number => (a + b + 1) >> 1;

/** Two lanes of 64 bits, as halves. */
const wide =
  (op: (lo: number, hi: number, lo2: number, hi2: number) => readonly [lo: number, hi: number]): VectorOp =>
  (d, s) => {
    for (const n of [0, 2]) {
      const [lo, hi] = op(d.u32[n]!, d.u32[n + 1]!, s.u32[n]!, s.u32[n + 1]!);
      d.u32[n] = lo;
      d.u32[n + 1] = hi;
    }
  };
const addWide = wide((lo, hi, lo2, hi2) => {
  const sum = lo + lo2;
  return [sum, hi + hi2 + (sum > 0xffff_ffff ? 1 : 0)];
});
const subWide = wide((lo, hi, lo2, hi2) => [lo - lo2, hi - hi2 - (lo < lo2 ? 1 : 0)]);
const mulWide = wide((lo, _hi, lo2) => {
  const product = BigInt(lo) * BigInt(lo2);
  return [Number(product & 0xffff_ffffn), Number(product >> 32n)];
});

/** A count is 64 bits: what is more than the width clears the lane, or leaves its sign. */
const countOf = (s: Lanes, most: number): number => (s.u32[1] !== 0 || s.u32[0]! > most ? most : s.u32[0]!);
type Shift = (view: Lanes, count: number) => void;
const lanes =
  (view: View, bits: number, op: (value: number, count: number) => number): Shift =>
  (d, count) => {
    const a = d[view];
    for (let n = 0; n < a.length; n++) a[n] = count >= bits ? op(op(a[n]!, bits - 1), 1) : op(a[n]!, count);
  };
const left = (a: number, n: number): number => a << n;
const right = (a: number, n: number): number => a >>> n;
const signed = (a: number, n: number): number => a >> n;
const leftWide: Shift = (d, count) => {
  for (const n of [0, 2]) {
    const [lo, hi] = [d.u32[n]!, d.u32[n + 1]!];
    d.u32[n + 1] =
      count > 63 ? 0 : count > 31 ? lo << (count - 32) : count === 0 ? hi : (hi << count) | (lo >>> (32 - count));
    d.u32[n] = count > 31 ? 0 : lo << count;
  }
};
const rightWide: Shift = (d, count) => {
  for (const n of [0, 2]) {
    const [lo, hi] = [d.u32[n]!, d.u32[n + 1]!];
    d.u32[n] =
      count > 63 ? 0 : count > 31 ? hi >>> (count - 32) : count === 0 ? lo : (lo >>> count) | (hi << (32 - count));
    d.u32[n + 1] = count > 31 ? 0 : hi >>> count;
  }
};
const bytes =
  (sign: 1 | -1): Shift =>
  (d, count) => {
    const n = Math.min(count, 16);
    const from = d.u8.slice();
    for (let i = 0; i < 16; i++) d.u8[i] = from[i - sign * n] ?? 0;
  };

/** Shifts by lane: their count is an operand, or an immediate. */
export const SHIFTS: Readonly<Record<string, Shift>> = {
  psllw: lanes('u16', 16, left),
  pslld: lanes('u32', 32, left),
  psllq: leftWide,
  psrlw: lanes('u16', 16, right),
  psrld: lanes('u32', 32, right),
  psrlq: rightWide,
  psraw: lanes('i16', 16, signed),
  psrad: lanes('i32', 32, signed),
  pslldq: bytes(1),
  psrldq: bytes(-1),
};
const MOST_COUNT = 64;

/** Lanes of d and s in turn, from the lower or the upper half. */
const unpack =
  (view: 'u8' | 'u16' | 'u32', high: boolean): VectorOp =>
  (d, s) => {
    const [a, b] = [d[view].slice(), s[view]];
    const half = a.length / 2;
    const from = high ? half : 0;
    for (let n = 0; n < half; n++) {
      d[view][2 * n] = a[from + n]!;
      d[view][2 * n + 1] = b[from + n]!;
    }
  };
const unpackWide =
  (high: boolean): VectorOp =>
  (d, s) => {
    const [a, b] = [d.u32.slice(), s.u32.slice()];
    const from = high ? 2 : 0;
    d.u32.set([a[from]!, a[from + 1]!, b[from]!, b[from + 1]!]);
  };
/** Lanes of d, then those of s, in half the width. */
const pack =
  (from: 'i16' | 'i32', to: 'i8' | 'u8' | 'i16', limit: (value: number) => number): VectorOp =>
  (d, s) => {
    const all = [...d[from], ...s[from]];
    all.forEach((value, n) => {
      d[to][n] = limit(value);
    });
  };
const pick = (from: ArrayLike<number>, imm: number, n: number): number => from[(imm >> (2 * n)) & 3]!;

export const INTEGER: Readonly<Record<string, VectorOp>> = {
  paddb: each('u8', add),
  paddw: each('u16', add),
  paddd: each('u32', add),
  paddq: addWide,
  paddsb: each('i8', (a, b) => toI8(a + b)),
  paddsw: each('i16', (a, b) => toI16(a + b)),
  paddusb: each('u8', (a, b) => toU8(a + b)),
  paddusw: each('u16', (a, b) => toU16(a + b)),
  psubb: each('u8', sub),
  psubw: each('u16', sub),
  psubd: each('u32', sub),
  psubq: subWide,
  psubsb: each('i8', (a, b) => toI8(a - b)),
  psubsw: each('i16', (a, b) => toI16(a - b)),
  psubusb: each('u8', (a, b) => toU8(a - b)),
  psubusw: each('u16', (a, b) => toU16(a - b)),
  pmullw: each('i16', Math.imul),
  pmulhw: each('i16', (a, b) => Math.imul(a, b) >> 16),
  pmulhuw: each('u16', (a, b) => Math.imul(a, b) >>> 16),
  pmuludq: mulWide,
  pmaddwd: (d, s) => {
    for (let n = 0; n < 4; n++)
      d.i32[n] = (Math.imul(d.i16[2 * n]!, s.i16[2 * n]!) + Math.imul(d.i16[2 * n + 1]!, s.i16[2 * n + 1]!)) | 0;
  },
  psadbw: (d, s) => {
    for (const half of [0, 8]) {
      let sum = 0;
      for (let n = half; n < half + 8; n++) sum += Math.abs(d.u8[n]! - s.u8[n]!);
      d.u32[half / 4] = sum;
      d.u32[half / 4 + 1] = 0;
    }
  },
  pavgb: each('u8', average),
  pavgw: each('u16', average),
  pminub: each('u8', Math.min),
  pmaxub: each('u8', Math.max),
  pminsw: each('i16', Math.min),
  pmaxsw: each('i16', Math.max),
  pand: each('i32', (a, b) => a & b),
  pandn: each('i32', (a, b) => ~a & b),
  por: each('i32', (a, b) => a | b),
  pxor: each('i32', (a, b) => a ^ b),
  pcmpeqb: each('i8', equal),
  pcmpeqw: each('i16', equal),
  pcmpeqd: each('i32', equal),
  pcmpgtb: each('i8', greater),
  pcmpgtw: each('i16', greater),
  pcmpgtd: each('i32', greater),
  punpcklbw: unpack('u8', false),
  punpcklwd: unpack('u16', false),
  punpckldq: unpack('u32', false),
  punpcklqdq: unpackWide(false),
  punpckhbw: unpack('u8', true),
  punpckhwd: unpack('u16', true),
  punpckhdq: unpack('u32', true),
  punpckhqdq: unpackWide(true),
  packsswb: pack('i16', 'i8', toI8),
  packuswb: pack('i16', 'u8', toU8),
  packssdw: pack('i32', 'i16', toI16),
  pshufd: (d, s, imm) => {
    const from = s.u32.slice();
    for (let n = 0; n < 4; n++) d.u32[n] = pick(from, imm, n);
  },
  pshuflw: (d, s, imm) => {
    d.set(s);
    for (let n = 0; n < 4; n++) d.u16[n] = pick(s.u16, imm, n);
  },
  pshufhw: (d, s, imm) => {
    d.set(s);
    for (let n = 0; n < 4; n++) d.u16[4 + n] = pick(s.u16.subarray(4), imm, n);
  },
  ...Object.fromEntries(
    Object.entries(SHIFTS).map(([name, shift]): [string, VectorOp] => [
      name,
      (d, s) => shift(d, countOf(s, MOST_COUNT)),
    ]),
  ),
};
