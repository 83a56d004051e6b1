/** Conversions between integers and floating point, and between its widths (Intel SDM vol. 2A, "CVT..."). */
import { isNan, putLane, type Width } from './float.ts';
import type { VectorOp } from './integer.ts';
import type { Lanes } from './lanes.ts';

/** "integer indefinite": what does not fit, and NaN */
const INDEFINITE = -0x8000_0000;
const TWO32 = 0x1_0000_0000;
const TWO63 = 2 ** 63;

/** To the nearest integer, the even one of two. */
export function rounded(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
const toInt32 = (value: number): number => (value >= -0x8000_0000 && value <= 0x7fff_ffff ? value : INDEFINITE);

/** A value as a signed integer of 32 or 64 bits: its halves. */
export function integerOf(value: number, bytes: Width, truncate: boolean): readonly [lo: number, hi: number] {
  const whole = truncate ? Math.trunc(value) : rounded(value);
  if (bytes === 4) return [toInt32(whole), 0];
  if (!(whole >= -TWO63 && whole < TWO63)) return [0, INDEFINITE];
  const hi = Math.floor(whole / TWO32);
  return [(whole - hi * TWO32) | 0, hi | 0];
}

/** A signed integer of 64 bits as a double, rounded once. */
export const doubleOf = (lo: number, hi: number): number => hi * TWO32 + (lo >>> 0);
/** As a single: what a double cannot hold leaves a bit that says so, or it would be rounded twice. */
export function singleOf(lo: number, hi: number): number {
  if (hi >= -0x20_0000 && hi < 0x20_0000) return Math.fround(doubleOf(lo, hi));
  const sticky = (lo & 0x7ff) !== 0 ? 0x800 : 0;
  return Math.fround(doubleOf((lo & ~0x7ff) | sticky, hi));
}

/** A single's NaN as a double's and the other way round: sign, quiet bit and what there is room for. */
function widenNan(d: Lanes, n: number, bits: number): void {
  d.i32[2 * n] = bits << 29;
  d.i32[2 * n + 1] = (bits & 0x8000_0000) | 0x7ff8_0000 | ((bits & 0x7f_ffff) >>> 3);
}
function narrowNan(d: Lanes, n: number, lo: number, hi: number): void {
  d.i32[n] = (hi & 0x8000_0000) | 0x7fc0_0000 | ((hi & 0xf_ffff) << 3) | (lo >>> 29);
}
const widen =
  (lanes: number): VectorOp =>
  (d, s) => {
    for (let n = lanes - 1; n >= 0; n--) {
      if (isNan(s, 4, n)) widenNan(d, n, s.i32[n]!);
      else putLane(d, 8, n, s.f32[n]!);
    }
  };
function narrow(d: Lanes, s: Lanes, n: number): void {
  if (isNan(s, 8, n)) narrowNan(d, n, s.i32[2 * n]!, s.i32[2 * n + 1]!);
  else putLane(d, 4, n, s.f64[n]!);
}
/** Lanes to 32-bit integers, behind them zeros where there are fewer. */
const toIntegers =
  (width: Width, truncate: boolean): VectorOp =>
  (d, s) => {
    const values = width === 4 ? [...s.f32] : [...s.f64];
    d.i32.fill(0);
    values.forEach((value, n) => {
      d.i32[n] = integerOf(value, 4, truncate)[0];
    });
  };

export const CONVERT: Readonly<Record<string, VectorOp>> = {
  cvtps2pd: widen(2),
  cvtss2sd: widen(1),
  cvtsd2ss: (d, s) => narrow(d, s, 0),
  cvtpd2ps: (d, s) => {
    narrow(d, s, 0);
    narrow(d, s, 1);
    d.i32.fill(0, 2);
  },
  cvtdq2ps: (d, s) => {
    for (let n = 0; n < 4; n++) d.f32[n] = s.i32[n]!;
  },
  cvtdq2pd: (d, s) => {
    const [a, b] = [s.i32[0]!, s.i32[1]!];
    d.f64[0] = a;
    d.f64[1] = b;
  },
  cvtps2dq: toIntegers(4, false),
  cvttps2dq: toIntegers(4, true),
  cvtpd2dq: toIntegers(8, false),
  cvttpd2dq: toIntegers(8, true),
};
