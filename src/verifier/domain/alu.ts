/**
 * Abstract arithmetic on two scalars (adjust_scalar_min_max_vals()): the transformer only; which
 * operands are allowed is asked elsewhere.
 */
import { BPF_ADD, BPF_AND, BPF_ARSH, BPF_LSH, BPF_MUL, BPF_OR, BPF_RSH, BPF_SUB, BPF_XOR } from '../../isa/index.ts';
import {
  type Bounds,
  known,
  learn32FromBits,
  learnFromBits,
  sync,
  UNKNOWN,
  unbound32,
  unbound64,
  zeroExtend32,
} from './bounds.ts';
import * as T from './tnum.ts';
import { lowU32, maxBig, minBig, S32_MAX, S32_MIN, S64_MAX, S64_MIN, s64, U32_MAX, U64_MAX, u64 } from './u64.ts';

const inS32 = (x: number): boolean => x >= S32_MIN && x <= S32_MAX;
const inS64 = (x: bigint): boolean => x >= S64_MIN && x <= S64_MAX;

function setS32(d: Bounds, lo: number, hi: number): void {
  const fits = inS32(lo) && inS32(hi);
  d.s32min = fits ? lo : S32_MIN;
  d.s32max = fits ? hi : S32_MAX;
}
function setS64(d: Bounds, lo: bigint, hi: bigint): void {
  const fits = inS64(lo) && inS64(hi);
  d.smin = fits ? lo : S64_MIN;
  d.smax = fits ? hi : S64_MAX;
}
function setU32(d: Bounds, lo: number, hi: number, fits: boolean): void {
  d.u32min = fits ? lo : 0;
  d.u32max = fits ? hi : U32_MAX;
}
function setU64(d: Bounds, lo: bigint, hi: bigint, fits: boolean): void {
  d.umin = fits ? lo : 0n;
  d.umax = fits ? hi : U64_MAX;
}

/** Signed range from the unsigned one where that does not cross the sign boundary. */
function s32FromU32(d: Bounds): void {
  const fits = (d.u32min | 0) <= (d.u32max | 0);
  d.s32min = fits ? d.u32min | 0 : S32_MIN;
  d.s32max = fits ? d.u32max | 0 : S32_MAX;
}
function s64FromU64(d: Bounds): void {
  const lo = s64(d.umin);
  const hi = s64(d.umax);
  d.smin = lo <= hi ? lo : S64_MIN;
  d.smax = lo <= hi ? hi : S64_MAX;
}

type Op = (d: Bounds, s: Bounds, alu32: boolean) => void;

/** The ranges alone, without the known bits; pointers use it for their variable part. */
export function addRanges64(d: Bounds, s: Bounds): void {
  setS64(d, d.smin + s.smin, d.smax + s.smax);
  const hi = d.umax + s.umax;
  setU64(d, d.umin + s.umin, hi, hi <= U64_MAX);
}

export function subRanges64(d: Bounds, s: Bounds): void {
  setS64(d, d.smin - s.smax, d.smax - s.smin);
  setU64(d, d.umin - s.umax, d.umax - s.umin, d.umin >= s.umax);
}

const add: Op = (d, s) => {
  setS32(d, d.s32min + s.s32min, d.s32max + s.s32max);
  setU32(d, d.u32min + s.u32min, d.u32max + s.u32max, d.u32max + s.u32max <= U32_MAX);
  addRanges64(d, s);
  d.tnum = T.add(d.tnum, s.tnum);
};

const sub: Op = (d, s) => {
  setS32(d, d.s32min - s.s32max, d.s32max - s.s32min);
  setU32(d, d.u32min - s.u32max, d.u32max - s.u32min, d.u32min >= s.u32max);
  subRanges64(d, s);
  d.tnum = T.sub(d.tnum, s.tnum);
};

const mul: Op = (d, s) => {
  d.tnum = T.mul(d.tnum, s.tnum);
  if (s.s32min < 0 || d.s32min < 0 || s.u32max > 0xffff || d.u32max > 0xffff) unbound32(d);
  else {
    d.u32min *= s.u32min;
    d.u32max *= s.u32max;
    const fits = d.u32max <= S32_MAX;
    d.s32min = fits ? d.u32min : S32_MIN;
    d.s32max = fits ? d.u32max : S32_MAX;
  }
  if (s.smin < 0n || d.smin < 0n || s.umax > BigInt(U32_MAX) || d.umax > BigInt(U32_MAX)) unbound64(d);
  else {
    d.umin *= s.umin;
    d.umax *= s.umax;
    const fits = d.umax <= S64_MAX;
    d.smin = fits ? d.umin : S64_MIN;
    d.smax = fits ? d.umax : S64_MAX;
  }
};

function assign(d: Bounds, from: Bounds): void {
  Object.assign(d, from);
}

/** The three bitwise operations: bits first, then ranges from bits and operands. */
function bitwise(bits: (a: T.Tnum, b: T.Tnum) => T.Tnum, range32: Op, range64: Op): Op {
  return (d, s, alu32) => {
    const low = T.isConstSubreg(d.tnum) && T.isConstSubreg(s.tnum);
    const all = T.isConst(d.tnum) && T.isConst(s.tnum);
    d.tnum = bits(d.tnum, s.tnum);
    if (low) {
      const v = lowU32(d.tnum.value);
      d.u32min = v;
      d.u32max = v;
      d.s32min = v | 0;
      d.s32max = v | 0;
    } else {
      range32(d, s, alu32);
      s32FromU32(d);
    }
    if (all) assign(d, known(d.tnum.value));
    else {
      range64(d, s, alu32);
      s64FromU64(d);
      learnFromBits(d);
    }
  };
}

const lowBits = (t: T.Tnum): [number, number] => [lowU32(t.value), lowU32(t.value | t.mask)];

const bitAnd = bitwise(
  T.and,
  (d, s) => {
    d.u32min = lowBits(d.tnum)[0];
    d.u32max = Math.min(d.u32max, s.u32max);
  },
  (d, s) => {
    d.umin = d.tnum.value;
    d.umax = minBig(d.umax, s.umax);
  },
);

const bitOr = bitwise(
  T.or,
  (d, s) => {
    d.u32min = Math.max(d.u32min, s.u32min);
    d.u32max = lowBits(d.tnum)[1];
  },
  (d, s) => {
    d.umin = maxBig(d.umin, s.umin);
    d.umax = d.tnum.value | d.tnum.mask;
  },
);

const bitXor = bitwise(
  T.xor,
  (d) => {
    [d.u32min, d.u32max] = lowBits(d.tnum);
  },
  (d) => {
    d.umin = d.tnum.value;
    d.umax = d.tnum.value | d.tnum.mask;
  },
);

/** 32-bit ranges of a left shift; nothing is known where the top bit may be shifted out. */
function shl32(d: Bounds, by: number): void {
  d.s32min = S32_MIN;
  d.s32max = S32_MAX;
  const fits = by <= 31 && d.u32max <= 2 ** (31 - by);
  setU32(d, d.u32min * 2 ** by, d.u32max * 2 ** by, fits);
}

const lsh: Op = (d, s, alu32) => {
  if (alu32) {
    const by = s.u32min;
    const low = T.subreg(d.tnum);
    shl32(d, by);
    d.tnum = T.subreg(T.shl(low, by));
    unbound64(d);
    learn32FromBits(d);
    return;
  }
  const by = Number(s.umin);
  // `<<= 32` is the first half of a sign extension: 32-bit ranges survive it
  d.smax = by === 32 ? BigInt(d.s32max) << 32n : S64_MAX;
  d.smin = by === 32 ? BigInt(d.s32min) << 32n : S64_MIN;
  const n = BigInt(by);
  setU64(d, d.umin << n, d.umax << n, d.umax <= 1n << (63n - n));
  shl32(d, by);
  d.tnum = T.shl(d.tnum, by);
  learnFromBits(d);
};

const rsh: Op = (d, s, alu32) => {
  if (alu32) {
    const by = s.u32min;
    d.s32min = S32_MIN;
    d.s32max = S32_MAX;
    d.tnum = T.shr(T.subreg(d.tnum), by);
    d.u32min >>>= by;
    d.u32max >>>= by;
    unbound64(d);
    learn32FromBits(d);
    return;
  }
  d.smin = S64_MIN;
  d.smax = S64_MAX;
  d.tnum = T.shr(d.tnum, Number(s.umin));
  d.umin >>= s.umin;
  d.umax >>= s.umin;
  unbound32(d);
  learnFromBits(d);
};

const arsh: Op = (d, s, alu32) => {
  if (alu32) {
    const by = s.u32min;
    d.s32min >>= by;
    d.s32max >>= by;
    d.tnum = T.sar(T.subreg(d.tnum), by, 32);
    d.u32min = 0;
    d.u32max = U32_MAX;
    unbound64(d);
    learn32FromBits(d);
    return;
  }
  d.smin >>= s.umin;
  d.smax >>= s.umin;
  d.tnum = T.sar(d.tnum, Number(s.umin), 64);
  d.umin = 0n;
  d.umax = U64_MAX;
  unbound32(d);
  learnFromBits(d);
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
function fold(op: number, d: bigint, s: bigint, alu32: boolean): bigint | undefined {
  if (alu32) {
    const a = lowU32(d);
    const b = lowU32(s);
    switch (op) {
      case BPF_ADD:
        return BigInt((a + b) >>> 0);
      case BPF_SUB:
        return BigInt((a - b) >>> 0);
      case BPF_AND:
        return BigInt((a & b) >>> 0);
      case BPF_OR:
        return BigInt((a | b) >>> 0);
      case BPF_XOR:
        return BigInt((a ^ b) >>> 0);
      default:
        return undefined;
    }
  }
  switch (op) {
    case BPF_ADD:
      return u64(d + s);
    case BPF_SUB:
      return u64(d - s);
    case BPF_AND:
      return d & s;
    case BPF_OR:
      return d | s;
    case BPF_XOR:
      return d ^ s;
    default:
      return undefined;
  }
}

/** Whether a result's range can be computed at all: shifts need one constant count below the width. */
export function computable(op: number, src: Bounds, alu32: boolean): boolean {
  if (op === BPF_LSH || op === BPF_RSH || op === BPF_ARSH) {
    const single = alu32
      ? T.isConstSubreg(src.tnum) && src.s32min === src.s32max && src.u32min === src.u32max
      : T.isConst(src.tnum) && src.smin === src.smax && src.umin === src.umax;
    return single && src.umax < (alu32 ? 32n : 64n);
  }
  return op in ops;
}

/** `dst op= src`. Division, modulo and byte swaps give UNKNOWN; the caller asks {@link computable} first. */
export function scalarAlu(op: number, dst: Bounds, src: Bounds, alu32: boolean): Bounds {
  const rule = ops[op];
  if (!rule) return UNKNOWN;
  if (dst.isConst && src.isConst) {
    const value = fold(op, dst.tnum.value, src.tnum.value, alu32);
    if (value !== undefined) return known(value);
  }
  const d = dst.copy();
  rule(d, src, alu32);
  if (alu32) zeroExtend32(d);
  return sync(d);
}
