/**
 * Floating point lanes of SSE and SSE2 (Intel SDM vol. 1, 4.8 and 11.5.2; IEEE 754) as MXCSR has them after a reset:
 * rounded to nearest, every exception masked. NaNs are kept by their bits: the first operand's goes on, quieted, then the
 * second's; an invalid operation gives the default one. The flags of MXCSR that say what happened are not kept.
 */

import type { VectorOp } from './integer.ts';
import type { Lanes } from './lanes.ts';

export type Width = 4 | 8;

/** Bits of a lane: its upper word has sign and exponent. */
const QUIET = { 4: 0x40_0000, 8: 0x8_0000 } as const;
const DEFAULT_NAN = { 4: 0xffc0_0000 | 0, 8: 0xfff8_0000 | 0 } as const;

export const isNan = (v: Lanes, width: Width, n: number): boolean => Number.isNaN(width === 4 ? v.f32[n]! : v.f64[n]!);
const laneOf = (v: Lanes, width: Width, n: number): number => (width === 4 ? v.f32[n]! : v.f64[n]!);

function copyLane(d: Lanes, s: Lanes, width: Width, n: number, quiet: number): void {
  if (width === 4) d.i32[n] = s.i32[n]! | quiet;
  else {
    d.i32[2 * n] = s.i32[2 * n]!;
    d.i32[2 * n + 1] = s.i32[2 * n + 1]! | quiet;
  }
}
export function putLane(d: Lanes, width: Width, n: number, value: number): void {
  if (Number.isNaN(value)) {
    if (width === 8) d.i32[2 * n] = 0;
    d.i32[width === 4 ? n : 2 * n + 1] = DEFAULT_NAN[width];
  } else if (width === 4) d.f32[n] = value;
  else d.f64[n] = value;
}

type Arithmetic = (a: number, b: number) => number;
/** packed: every lane; scalar: the lowest */
const lanesOf = (width: Width, scalar: boolean): number => (scalar ? 1 : 16 / width);

const arithmetic =
  (op: Arithmetic, width: Width, scalar: boolean): VectorOp =>
  (d, s) => {
    for (let n = 0; n < lanesOf(width, scalar); n++) {
      if (isNan(d, width, n)) copyLane(d, d, width, n, QUIET[width]);
      else if (isNan(s, width, n)) copyLane(d, s, width, n, QUIET[width]);
      else putLane(d, width, n, op(laneOf(d, width, n), laneOf(s, width, n)));
    }
  };
/** With a NaN, or of two zeros, it is the second. */
const extreme =
  (better: (a: number, b: number) => boolean, width: Width, scalar: boolean): VectorOp =>
  (d, s) => {
    for (let n = 0; n < lanesOf(width, scalar); n++)
      if (!better(laneOf(d, width, n), laneOf(s, width, n))) copyLane(d, s, width, n, 0);
  };
const root =
  (width: Width, scalar: boolean): VectorOp =>
  (d, s) => {
    for (let n = 0; n < lanesOf(width, scalar); n++) {
      if (isNan(s, width, n)) copyLane(d, s, width, n, QUIET[width]);
      else putLane(d, width, n, Math.sqrt(laneOf(s, width, n)));
    }
  };
/** SDM vol. 2A, table 3-1: the lower three bits of the immediate. */
const PREDICATES: readonly ((a: number, b: number) => boolean)[] = [
  (a, b) => a === b,
  (a, b) => a < b,
  (a, b) => a <= b,
  (a, b) => Number.isNaN(a) || Number.isNaN(b),
  (a, b) => a !== b,
  (a, b) => !(a < b),
  (a, b) => !(a <= b),
  (a, b) => !Number.isNaN(a) && !Number.isNaN(b),
];
const compare =
  (width: Width, scalar: boolean): VectorOp =>
  (d, s, imm) => {
    const holds = PREDICATES[imm & 7] as (a: number, b: number) => boolean;
    for (let n = 0; n < lanesOf(width, scalar); n++) {
      const mask = holds(laneOf(d, width, n), laneOf(s, width, n)) ? -1 : 0;
      if (width === 4) d.i32[n] = mask;
      else d.i32.fill(mask, 2 * n, 2 * n + 2);
    }
  };
const words =
  (op: (a: number, b: number) => number): VectorOp =>
  (d, s) => {
    for (let n = 0; n < 4; n++) d.i32[n] = op(d.i32[n]!, s.i32[n]!);
  };
/** Lanes by number from d, then from s: indices of 32-bit words of both. */
const words4 = (d: Lanes, s: Lanes, indices: readonly number[]): void => {
  const all = [...d.i32, ...s.i32];
  indices.forEach((index, n) => {
    d.i32[n] = all[index]!;
  });
};

const SUFFIXES = [
  ['ps', 4, false],
  ['pd', 8, false],
  ['ss', 4, true],
  ['sd', 8, true],
] as const;
const ops: Record<string, VectorOp> = {};
for (const [suffix, width, scalar] of SUFFIXES) {
  ops[`add${suffix}`] = arithmetic((a, b) => a + b, width, scalar);
  ops[`sub${suffix}`] = arithmetic((a, b) => a - b, width, scalar);
  ops[`mul${suffix}`] = arithmetic((a, b) => a * b, width, scalar);
  ops[`div${suffix}`] = arithmetic((a, b) => a / b, width, scalar);
  ops[`min${suffix}`] = extreme((a, b) => a < b, width, scalar);
  ops[`max${suffix}`] = extreme((a, b) => a > b, width, scalar);
  ops[`sqrt${suffix}`] = root(width, scalar);
  ops[`cmp${suffix}`] = compare(width, scalar);
}
for (const suffix of ['ps', 'pd']) {
  ops[`and${suffix}`] = words((a, b) => a & b);
  ops[`andn${suffix}`] = words((a, b) => ~a & b);
  ops[`or${suffix}`] = words((a, b) => a | b);
  ops[`xor${suffix}`] = words((a, b) => a ^ b);
}

export const FLOAT: Readonly<Record<string, VectorOp>> = {
  ...ops,
  unpcklps: (d, s) => words4(d, s, [0, 4, 1, 5]),
  unpckhps: (d, s) => words4(d, s, [2, 6, 3, 7]),
  unpcklpd: (d, s) => words4(d, s, [0, 1, 4, 5]),
  unpckhpd: (d, s) => words4(d, s, [2, 3, 6, 7]),
  shufps: (d, s, imm) => words4(d, s, [imm & 3, (imm >> 2) & 3, 4 + ((imm >> 4) & 3), 4 + ((imm >> 6) & 3)]),
  shufpd: (d, s, imm) => {
    const [a, b] = [2 * (imm & 1), 4 + 2 * ((imm >> 1) & 1)];
    words4(d, s, [a, a + 1, b, b + 1]);
  },
};
