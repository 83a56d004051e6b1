/** The five descriptions of one value tighten one another (reg_bounds_sync()). */
import {
  assign,
  Bounds,
  clampS32,
  clampU32,
  lowerSmax,
  lowerUmax,
  raiseSmin,
  raiseUmin,
  sameBounds,
  setValue,
} from './bounds.ts';
import { ltS64, ltU32, ltU64, SIGN, smear } from './pair.ts';
import { S32_MAX } from './u64.ts';

/** 32-bit ranges from the low half's known bits. */
export function learn32FromBits(b: Bounds): void {
  const { valueLo, maskLo } = b;
  clampS32(b, valueLo | (maskLo & SIGN), valueLo | (maskLo & S32_MAX));
  clampU32(b, valueLo, valueLo | maskLo);
}

/** All ranges from the known bits. */
export function learnFromBits(b: Bounds): void {
  learn32FromBits(b);
  const { valueHi, valueLo, maskHi, maskLo } = b;
  const lo = valueLo | maskLo;
  raiseSmin(b, valueHi | (maskHi & SIGN), valueLo);
  lowerSmax(b, valueHi | (maskHi & S32_MAX), lo);
  raiseUmin(b, valueHi, valueLo);
  lowerUmax(b, valueHi | maskHi, lo);
}

function deduce32(b: Bounds): void {
  const { uminLo, umaxLo, sminLo, smaxLo } = b;
  if (b.uminHi === b.umaxHi) {
    clampU32(b, uminLo, umaxLo);
    if (uminLo <= umaxLo) clampS32(b, uminLo, umaxLo);
  }
  if (b.sminHi === b.smaxHi) {
    if (!ltU32(smaxLo, sminLo)) clampU32(b, sminLo, smaxLo);
    if (sminLo <= smaxLo) clampS32(b, sminLo, smaxLo);
  }
  // the upper halves are neighbours, and the low half runs from negative over zero to positive
  if (((b.uminHi + 1) | 0) === b.umaxHi && uminLo < 0 && umaxLo >= 0) clampS32(b, uminLo, umaxLo);
  if (((b.sminHi + 1) | 0) === b.smaxHi && sminLo < 0 && smaxLo >= 0) clampS32(b, sminLo, smaxLo);
  // one sign throughout: signed and unsigned say the same
  if (b.u32minBits <= b.u32maxBits) clampS32(b, b.u32minBits, b.u32maxBits);
  const { s32min, s32max } = b;
  if (!ltU32(s32max, s32min)) clampU32(b, s32min, s32max);
  else if (ltU32(b.u32maxBits, s32min)) {
    // as for 64 bits below: only one end of the signed range is left
    b.s32min = b.u32minBits;
    if (ltU32(s32max, b.u32maxBits)) b.u32maxBits = s32max;
  } else if (ltU32(s32max, b.u32minBits)) {
    b.s32max = b.u32maxBits;
    if (ltU32(b.u32minBits, s32min)) b.u32minBits = s32min;
  }
}

function deduce64(b: Bounds): void {
  if (!ltS64(b.umaxHi, b.umaxLo, b.uminHi, b.uminLo)) {
    raiseSmin(b, b.uminHi, b.uminLo);
    lowerSmax(b, b.umaxHi, b.umaxLo);
  }
  const { sminHi, sminLo, smaxHi, smaxLo } = b;
  if (!ltU64(smaxHi, smaxLo, sminHi, sminLo)) {
    raiseUmin(b, sminHi, sminLo);
    lowerUmax(b, smaxHi, smaxLo);
  } else if (ltU64(b.umaxHi, b.umaxLo, sminHi, sminLo)) {
    // the signed range wraps around zero, and the unsigned one overlaps only its positive part
    b.sminHi = b.uminHi;
    b.sminLo = b.uminLo;
    lowerUmax(b, smaxHi, smaxLo);
  } else if (ltU64(smaxHi, smaxLo, b.uminHi, b.uminLo)) {
    b.smaxHi = b.umaxHi;
    b.smaxLo = b.umaxLo;
    raiseUmin(b, sminHi, sminLo);
  }
}

/** 64-bit ranges from 32-bit ones. */
function deduceMixed(b: Bounds): void {
  const { u32minBits, u32maxBits } = b;
  if (ltU32(b.uminLo, u32minBits)) b.uminLo = u32minBits;
  if (ltU32(u32maxBits, b.umaxLo)) b.umaxLo = u32maxBits;
  if (ltU32(b.sminLo, u32minBits)) b.sminLo = u32minBits;
  if (ltU32(u32maxBits, b.smaxLo)) b.smaxLo = u32maxBits;
  // a sign-extended 32-bit value whose low half cannot be negative
  const { s32min, s32max } = b;
  if (s32min < 0) return;
  const low = b.sminHi > -1 || (b.sminHi === -1 && b.sminLo < 0);
  if (!low || !(b.smaxHi < 0 || (b.smaxHi === 0 && b.smaxLo >= 0))) return;
  b.sminHi = b.uminHi = 0;
  b.sminLo = b.uminLo = s32min;
  b.smaxHi = b.umaxHi = s32max >> 31;
  b.smaxLo = b.umaxLo = s32max;
  intersectRange(b, 0, s32min, s32max >> 31, s32max);
}

/** The known bits that all numbers of a range have (`tnum_range`) are known (`tnum_intersect`). */
function intersectRange(b: Bounds, minHi: number, minLo: number, maxHi: number, maxLo: number): void {
  const hi = smear(minHi ^ maxHi);
  // the top bit differs: nothing is common
  if (hi < 0) return;
  const lo = hi !== 0 ? -1 : smear(minLo ^ maxLo);
  b.maskHi &= hi;
  b.maskLo &= lo;
  b.valueHi = (b.valueHi | (minHi & ~hi)) & ~b.maskHi;
  b.valueLo = (b.valueLo | (minLo & ~lo)) & ~b.maskLo;
}

const before = new Bounds();

/** Whether that changed anything. */
function deduce(b: Bounds): boolean {
  assign(before, b);
  deduce32(b);
  deduce64(b);
  deduceMixed(b);
  return !sameBounds(b, before);
}

/** Known bits from ranges: whether they say more than was known. */
function learnBits(b: Bounds): boolean {
  const { valueHi, valueLo, maskHi, maskLo } = b;
  intersectRange(b, b.uminHi, b.uminLo, b.umaxHi, b.umaxLo);
  const lo = smear(b.u32minBits ^ b.u32maxBits);
  b.maskLo &= lo;
  b.valueLo = (b.valueLo | (b.u32minBits & ~lo)) & ~b.maskLo;
  return b.valueLo !== valueLo || b.maskLo !== maskLo || b.valueHi !== valueHi || b.maskHi !== maskHi;
}

/** One value, which all ranges allow: they become that. */
function becomeExact(b: Bounds): boolean {
  const { valueHi, valueLo } = b;
  if (ltU64(valueHi, valueLo, b.uminHi, b.uminLo) || ltU64(b.umaxHi, b.umaxLo, valueHi, valueLo)) return false;
  if (ltS64(valueHi, valueLo, b.sminHi, b.sminLo) || ltS64(b.smaxHi, b.smaxLo, valueHi, valueLo)) return false;
  if (ltU32(valueLo, b.u32minBits) || ltU32(b.u32maxBits, valueLo)) return false;
  if (valueLo < b.s32min || valueLo > b.s32max) return false;
  setValue(b, valueHi, valueLo);
  return true;
}

/** `reg_bounds_sync`: lets the five descriptions tighten one another. Three rounds, as Linux has it; one that changes nothing is the last. */
export function sync(b: Bounds): Bounds {
  if (b.isConst && becomeExact(b)) return b;
  learnFromBits(b);
  if (!deduce(b)) {
    if (learnBits(b)) learnFromBits(b);
    return b;
  }
  if (deduce(b)) deduce(b);
  learnBits(b);
  learnFromBits(b);
  return b;
}
