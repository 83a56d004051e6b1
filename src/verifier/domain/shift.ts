/** Shifts by one constant count below the width (scalar_min_max_lsh() and its like). */
import { type Bounds, unbound32, unbound64, unboundS32, unboundS64, unboundU32, unboundU64 } from './bounds.ts';
import { ltU64 } from './pair.ts';
import { learn32FromBits, learnFromBits } from './sync.ts';

/** High half of a left shift by less than 64; the low one is {@link shlLo}. */
const shlHi = (hi: number, lo: number, by: number): number =>
  by === 0 ? hi : by < 32 ? (hi << by) | (lo >>> (32 - by)) : lo << (by - 32);
const shlLo = (lo: number, by: number): number => (by < 32 ? lo << by : 0);
/** Low half of a right shift that brings in `fill`, 0 or the sign. */
const shrLo = (hi: number, lo: number, by: number, arith: boolean): number => {
  if (by === 0) return lo;
  if (by < 32) return (lo >>> by) | (hi << (32 - by));
  return arith ? hi >> (by - 32) : (hi >>> (by - 32)) | 0;
};
const shrHi = (hi: number, by: number, arith: boolean): number =>
  by < 32 ? (arith ? hi >> by : (hi >>> by) | 0) : arith ? hi >> 31 : 0;

function shiftBitsLeft(d: Bounds, by: number): void {
  d.valueHi = shlHi(d.valueHi, d.valueLo, by);
  d.valueLo = shlLo(d.valueLo, by);
  d.maskHi = shlHi(d.maskHi, d.maskLo, by);
  d.maskLo = shlLo(d.maskLo, by);
}
function shiftBitsRight(d: Bounds, by: number, arith: boolean): void {
  d.valueLo = shrLo(d.valueHi, d.valueLo, by, arith);
  d.valueHi = shrHi(d.valueHi, by, arith);
  d.maskLo = shrLo(d.maskHi, d.maskLo, by, arith);
  d.maskHi = shrHi(d.maskHi, by, arith);
}

/** 32-bit ranges of a left shift; nothing is known where the top bit may be shifted out. */
function shl32(d: Bounds, by: number): void {
  unboundS32(d);
  if (by > 31 || d.u32max > 2 ** (31 - by)) unboundU32(d);
  else {
    d.u32minBits <<= by;
    d.u32maxBits <<= by;
  }
}

/** A 32-bit shift: of the low half alone. */
function shiftLow(d: Bounds, valueLo: number, maskLo: number): void {
  d.valueHi = 0;
  d.valueLo = valueLo;
  d.maskHi = 0;
  d.maskLo = maskLo;
  unbound64(d);
  learn32FromBits(d);
}

export function lsh(d: Bounds, s: Bounds, alu32: boolean): void {
  if (alu32) {
    const by = s.u32minBits;
    shl32(d, by);
    shiftLow(d, d.valueLo << by, d.maskLo << by);
    return;
  }
  const by = s.uminLo;
  unboundS64(d);
  // `<<= 32` is the first half of a sign extension: 32-bit ranges survive it
  if (by === 32) {
    d.sminHi = d.s32min;
    d.smaxHi = d.s32max;
    d.smaxLo = 0;
  }
  const most = 63 - by;
  if (ltU64(most < 32 ? 0 : 1 << (most - 32), most < 32 ? 1 << most : 0, d.umaxHi, d.umaxLo)) unboundU64(d);
  else {
    d.uminHi = shlHi(d.uminHi, d.uminLo, by);
    d.uminLo = shlLo(d.uminLo, by);
    d.umaxHi = shlHi(d.umaxHi, d.umaxLo, by);
    d.umaxLo = shlLo(d.umaxLo, by);
  }
  shl32(d, by);
  shiftBitsLeft(d, by);
  learnFromBits(d);
}

export function rsh(d: Bounds, s: Bounds, alu32: boolean): void {
  if (alu32) {
    const by = s.u32minBits;
    unboundS32(d);
    d.u32minBits = (d.u32minBits >>> by) | 0;
    d.u32maxBits = (d.u32maxBits >>> by) | 0;
    shiftLow(d, (d.valueLo >>> by) | 0, (d.maskLo >>> by) | 0);
    return;
  }
  const by = s.uminLo;
  unboundS64(d);
  shiftBitsRight(d, by, false);
  d.uminLo = shrLo(d.uminHi, d.uminLo, by, false);
  d.uminHi = shrHi(d.uminHi, by, false);
  d.umaxLo = shrLo(d.umaxHi, d.umaxLo, by, false);
  d.umaxHi = shrHi(d.umaxHi, by, false);
  unbound32(d);
  learnFromBits(d);
}

export function arsh(d: Bounds, s: Bounds, alu32: boolean): void {
  if (alu32) {
    const by = s.u32minBits;
    d.s32min >>= by;
    d.s32max >>= by;
    unboundU32(d);
    shiftLow(d, d.valueLo >> by, d.maskLo >> by);
    return;
  }
  const by = s.uminLo;
  d.sminLo = shrLo(d.sminHi, d.sminLo, by, true);
  d.sminHi = shrHi(d.sminHi, by, true);
  d.smaxLo = shrLo(d.smaxHi, d.smaxLo, by, true);
  d.smaxHi = shrHi(d.smaxHi, by, true);
  shiftBitsRight(d, by, true);
  unboundU64(d);
  unbound32(d);
  learnFromBits(d);
}
