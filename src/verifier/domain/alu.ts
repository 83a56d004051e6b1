/**
 * Abstract arithmetic on two scalars (adjust_scalar_min_max_vals()): the transformer only; which
 * operands are allowed is asked elsewhere.
 */
import { BPF_ADD, BPF_AND, BPF_ARSH, BPF_LSH, BPF_MUL, BPF_OR, BPF_RSH, BPF_SUB, BPF_XOR } from '../../isa/index.ts';
import {
  assign,
  type Bounds,
  isConstAs,
  knownHalves,
  UNKNOWN,
  unbound32,
  unbound64,
  unboundS64,
  unboundU32,
  unboundU64,
  zeroExtend32,
} from './bounds.ts';
import { borrow, carry, ltS64, ltU32, ltU64 } from './pair.ts';
import { arsh, lsh, rsh } from './shift.ts';
import { learnFromBits, sync } from './sync.ts';
import * as T from './tnum.ts';
import { S32_MAX, S32_MIN, S64_MAX, S64_MIN } from './u64.ts';

function setS32(d: Bounds, lo: number, hi: number): void {
  const fits = lo === (lo | 0) && hi === (hi | 0);
  d.s32min = fits ? lo : S32_MIN;
  d.s32max = fits ? hi : S32_MAX;
}

/** Signed range from the unsigned one where that does not cross the sign boundary. */
function s32FromU32(d: Bounds): void {
  const fits = d.u32minBits <= d.u32maxBits;
  d.s32min = fits ? d.u32minBits : S32_MIN;
  d.s32max = fits ? d.u32maxBits : S32_MAX;
}
function s64FromU64(d: Bounds): void {
  if (ltS64(d.umaxHi, d.umaxLo, d.uminHi, d.uminLo)) {
    unboundS64(d);
    return;
  }
  d.sminHi = d.uminHi;
  d.sminLo = d.uminLo;
  d.smaxHi = d.umaxHi;
  d.smaxLo = d.umaxLo;
}

type Op = (d: Bounds, s: Bounds, alu32: boolean) => void;

/** The ranges alone, without the known bits; pointers use it for their variable part. */
export function addRanges64(d: Bounds, s: Bounds): void {
  const sminLo = (d.sminLo + s.sminLo) | 0;
  const smaxLo = (d.smaxLo + s.smaxLo) | 0;
  const sminHi = (d.sminHi + s.sminHi + carry(sminLo, d.sminLo)) | 0;
  const smaxHi = (d.smaxHi + s.smaxHi + carry(smaxLo, d.smaxLo)) | 0;
  // a sum overflows where its sign is that of neither operand
  const overflow = ((d.sminHi ^ sminHi) & (s.sminHi ^ sminHi)) | ((d.smaxHi ^ smaxHi) & (s.smaxHi ^ smaxHi));
  if (overflow < 0) unboundS64(d);
  else {
    d.sminHi = sminHi;
    d.sminLo = sminLo;
    d.smaxHi = smaxHi;
    d.smaxLo = smaxLo;
  }
  const umaxLo = (d.umaxLo + s.umaxLo) | 0;
  const umaxHi = (d.umaxHi + s.umaxHi + carry(umaxLo, d.umaxLo)) | 0;
  if (ltU64(umaxHi, umaxLo, d.umaxHi, d.umaxLo)) {
    unboundU64(d);
    return;
  }
  const uminLo = (d.uminLo + s.uminLo) | 0;
  d.uminHi = (d.uminHi + s.uminHi + carry(uminLo, d.uminLo)) | 0;
  d.uminLo = uminLo;
  d.umaxHi = umaxHi;
  d.umaxLo = umaxLo;
}

export function subRanges64(d: Bounds, s: Bounds): void {
  const sminHi = (d.sminHi - s.smaxHi - borrow(d.sminLo, s.smaxLo)) | 0;
  const smaxHi = (d.smaxHi - s.sminHi - borrow(d.smaxLo, s.sminLo)) | 0;
  // a difference overflows where the operands' signs differ and it has not the first one's
  const overflow = ((d.sminHi ^ s.smaxHi) & (d.sminHi ^ sminHi)) | ((d.smaxHi ^ s.sminHi) & (d.smaxHi ^ smaxHi));
  if (overflow < 0) unboundS64(d);
  else {
    d.sminHi = sminHi;
    d.sminLo = (d.sminLo - s.smaxLo) | 0;
    d.smaxHi = smaxHi;
    d.smaxLo = (d.smaxLo - s.sminLo) | 0;
  }
  if (ltU64(d.uminHi, d.uminLo, s.umaxHi, s.umaxLo)) {
    unboundU64(d);
    return;
  }
  d.uminHi = (d.uminHi - s.umaxHi - borrow(d.uminLo, s.umaxLo)) | 0;
  d.uminLo = (d.uminLo - s.umaxLo) | 0;
  d.umaxHi = (d.umaxHi - s.uminHi - borrow(d.umaxLo, s.uminLo)) | 0;
  d.umaxLo = (d.umaxLo - s.uminLo) | 0;
}

function setBits(d: Bounds, valueHi: number, valueLo: number, maskHi: number, maskLo: number): void {
  d.valueHi = valueHi & ~maskHi;
  d.valueLo = valueLo & ~maskLo;
  d.maskHi = maskHi;
  d.maskLo = maskLo;
}

/** `tnum_add` */
export function addBits(d: Bounds, s: Bounds): void {
  const lo = (d.valueLo + s.valueLo) | 0;
  const hi = (d.valueHi + s.valueHi + carry(lo, d.valueLo)) | 0;
  const maskLo = (d.maskLo + s.maskLo) | 0;
  const maskHi = (d.maskHi + s.maskHi + carry(maskLo, d.maskLo)) | 0;
  const allLo = (maskLo + lo) | 0;
  const allHi = (maskHi + hi + carry(allLo, lo)) | 0;
  setBits(d, hi, lo, (allHi ^ hi) | d.maskHi | s.maskHi, (allLo ^ lo) | d.maskLo | s.maskLo);
}

/** `tnum_sub` */
export function subBits(d: Bounds, s: Bounds): void {
  const lo = (d.valueLo - s.valueLo) | 0;
  const hi = (d.valueHi - s.valueHi - borrow(d.valueLo, s.valueLo)) | 0;
  const mostLo = (lo + d.maskLo) | 0;
  const mostHi = (hi + d.maskHi + carry(mostLo, lo)) | 0;
  const leastLo = (lo - s.maskLo) | 0;
  const leastHi = (hi - s.maskHi - borrow(lo, s.maskLo)) | 0;
  setBits(d, hi, lo, (mostHi ^ leastHi) | d.maskHi | s.maskHi, (mostLo ^ leastLo) | d.maskLo | s.maskLo);
}

const add: Op = (d, s) => {
  setS32(d, d.s32min + s.s32min, d.s32max + s.s32max);
  const max = (d.u32maxBits + s.u32maxBits) | 0;
  if (ltU32(max, d.u32maxBits)) unboundU32(d);
  else {
    d.u32minBits = (d.u32minBits + s.u32minBits) | 0;
    d.u32maxBits = max;
  }
  addRanges64(d, s);
  addBits(d, s);
};

const sub: Op = (d, s) => {
  setS32(d, d.s32min - s.s32max, d.s32max - s.s32min);
  if (ltU32(d.u32minBits, s.u32maxBits)) unboundU32(d);
  else {
    d.u32minBits = (d.u32minBits - s.u32maxBits) | 0;
    d.u32maxBits = (d.u32maxBits - s.u32minBits) | 0;
  }
  subRanges64(d, s);
  subBits(d, s);
};

const mul: Op = (d, s) => {
  d.tnum = T.mul(d.tnum, s.tnum);
  if (s.s32min < 0 || d.s32min < 0 || s.u32max > 0xffff || d.u32max > 0xffff) unbound32(d);
  else {
    d.u32minBits = Math.imul(d.u32minBits, s.u32minBits);
    d.u32maxBits = Math.imul(d.u32maxBits, s.u32maxBits);
    const fits = d.u32maxBits >= 0;
    d.s32min = fits ? d.u32minBits : S32_MIN;
    d.s32max = fits ? d.u32maxBits : S32_MAX;
  }
  if (s.sminHi < 0 || d.sminHi < 0 || s.umaxHi !== 0 || d.umaxHi !== 0) unbound64(d);
  else {
    const umin = d.umin * s.umin;
    const umax = d.umax * s.umax;
    d.umin = umin;
    d.umax = umax;
    const fits = umax <= S64_MAX;
    d.smin = fits ? umin : S64_MIN;
    d.smax = fits ? umax : S64_MAX;
  }
};

function setLow(d: Bounds): void {
  d.s32min = d.s32max = d.u32minBits = d.u32maxBits = d.valueLo;
}

/** What the three bitwise operations share, behind known bits and unsigned ranges. */
function finishBitwise(d: Bounds, low: boolean, all: boolean): void {
  if (low) setLow(d);
  else s32FromU32(d);
  if (all) assign(d, knownHalves(d.valueHi, d.valueLo));
  else {
    s64FromU64(d);
    learnFromBits(d);
  }
}

const isLowConst = (d: Bounds, s: Bounds): boolean => (d.maskLo | s.maskLo) === 0;
const isAllConst = (d: Bounds, s: Bounds): boolean => (d.maskLo | d.maskHi | s.maskLo | s.maskHi) === 0;

/** Where a result is the larger operand or smaller: its range begins at the known ones. */
function startAtBits(d: Bounds): void {
  d.u32minBits = d.valueLo;
  d.uminHi = d.valueHi;
  d.uminLo = d.valueLo;
}
function endAtBits(d: Bounds): void {
  d.u32maxBits = d.valueLo | d.maskLo;
  d.umaxHi = d.valueHi | d.maskHi;
  d.umaxLo = d.valueLo | d.maskLo;
}

const bitAnd: Op = (d, s) => {
  const low = isLowConst(d, s);
  const all = isAllConst(d, s);
  const hi = d.valueHi & s.valueHi;
  const lo = d.valueLo & s.valueLo;
  d.maskHi = (d.valueHi | d.maskHi) & (s.valueHi | s.maskHi) & ~hi;
  d.maskLo = (d.valueLo | d.maskLo) & (s.valueLo | s.maskLo) & ~lo;
  d.valueHi = hi;
  d.valueLo = lo;
  startAtBits(d);
  if (ltU32(s.u32maxBits, d.u32maxBits)) d.u32maxBits = s.u32maxBits;
  if (ltU64(s.umaxHi, s.umaxLo, d.umaxHi, d.umaxLo)) {
    d.umaxHi = s.umaxHi;
    d.umaxLo = s.umaxLo;
  }
  finishBitwise(d, low, all);
};

const bitOr: Op = (d, s) => {
  const low = isLowConst(d, s);
  const all = isAllConst(d, s);
  const hi = d.valueHi | s.valueHi;
  const lo = d.valueLo | s.valueLo;
  setBits(d, hi, lo, (d.maskHi | s.maskHi) & ~hi, (d.maskLo | s.maskLo) & ~lo);
  if (ltU32(d.u32minBits, s.u32minBits)) d.u32minBits = s.u32minBits;
  if (ltU64(d.uminHi, d.uminLo, s.uminHi, s.uminLo)) {
    d.uminHi = s.uminHi;
    d.uminLo = s.uminLo;
  }
  endAtBits(d);
  finishBitwise(d, low, all);
};

const bitXor: Op = (d, s) => {
  const low = isLowConst(d, s);
  const all = isAllConst(d, s);
  setBits(d, d.valueHi ^ s.valueHi, d.valueLo ^ s.valueLo, d.maskHi | s.maskHi, d.maskLo | s.maskLo);
  startAtBits(d);
  endAtBits(d);
  finishBitwise(d, low, all);
};

const ops: Readonly<Record<number, Op>> = {
  [BPF_ADD]: add,
  [BPF_SUB]: sub,
  [BPF_MUL]: mul,
  [BPF_AND]: bitAnd,
  [BPF_OR]: bitOr,
  [BPF_XOR]: bitXor,
  [BPF_LSH]: lsh,
  [BPF_RSH]: rsh,
  [BPF_ARSH]: arsh,
};

/** Both operands are single values: the machine's own arithmetic. */
function fold(op: number, d: Bounds, s: Bounds, alu32: boolean): Bounds | undefined {
  const { valueHi: hi, valueLo: lo } = d;
  const { valueHi: sHi, valueLo: sLo } = s;
  let low: number;
  let high: number;
  switch (op) {
    case BPF_ADD:
      low = (lo + sLo) | 0;
      high = (hi + sHi + carry(low, lo)) | 0;
      break;
    case BPF_SUB:
      low = (lo - sLo) | 0;
      high = (hi - sHi - borrow(lo, sLo)) | 0;
      break;
    case BPF_AND:
      low = lo & sLo;
      high = hi & sHi;
      break;
    case BPF_OR:
      low = lo | sLo;
      high = hi | sHi;
      break;
    case BPF_XOR:
      low = lo ^ sLo;
      high = hi ^ sHi;
      break;
    default:
      return undefined;
  }
  return knownHalves(alu32 ? 0 : high, low);
}

/** Whether a result's range can be computed at all: shifts need one constant count below the width. */
export function computable(op: number, src: Bounds, alu32: boolean): boolean {
  if (op === BPF_LSH || op === BPF_RSH || op === BPF_ARSH) {
    if (!isConstAs(src, alu32) || src.umaxHi !== 0 || (src.umaxLo & (alu32 ? ~31 : ~63)) !== 0) return false;
    return alu32
      ? src.s32min === src.s32max && src.u32minBits === src.u32maxBits
      : src.sminHi === src.smaxHi && src.sminLo === src.smaxLo && src.uminHi === 0 && src.uminLo === src.umaxLo;
  }
  return ops[op] !== undefined;
}

/** `dst op= src`. Division, modulo and byte swaps give UNKNOWN; the caller asks {@link computable} first. */
export function scalarAlu(op: number, dst: Bounds, src: Bounds, alu32: boolean): Bounds {
  const rule = ops[op];
  if (!rule) return UNKNOWN;
  if (dst.isConst && src.isConst) {
    const value = fold(op, dst, src, alu32);
    if (value !== undefined) return value;
  }
  const d = dst.copy();
  rule(d, src, alu32);
  if (alu32) zeroExtend32(d);
  return sync(d);
}
