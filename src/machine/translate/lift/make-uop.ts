/**
 * Makes micro-operations. Each has its fields in one of two orders, so that the engine sees two kinds of object in
 * every pass.
 */

import type { AluOp, FlagKind, Operation, OverlayKind, Uop, Width } from '../ir/uop.ts';
import { usesOf } from '../ir/uses.ts';
import type { Value } from './value.ts';

/** Operations without a memory operand of their own, condition or exit. */
export type PlainOp = AluOp | 'const' | 'mov' | 'sp' | 'zext' | 'store.sp';

export function plainUop(
  op: PlainOp,
  w: Width,
  d: number,
  a: number,
  b: number,
  lo: number,
  hi: number,
  disp: number,
): Uop {
  return { op, uses: usesOf(op, a, b, -1), ends: 0, w, d, a, b, lo, hi, disp, kind: undefined } as Uop;
}

export function flagUop(op: 'flags' | 'overlay', kind: FlagKind | OverlayKind, w: Width, a: number, b: Value): Uop {
  const { v, lo, hi } = b;
  return { op, uses: usesOf(op, a, v, -1), ends: 0, w, d: -1, a, b: v, lo, hi, disp: 0, kind } as Uop;
}

/** A micro-operation of any kind, with all fields. */
export function sameShape(u: Operation): Uop {
  const f = u as Record<string, unknown>;
  const {
    op,
    w = 8,
    d = -1,
    a = -1,
    b = -1,
    lo = 0,
    hi = 0,
    disp = 0,
    cls,
    p = -1,
    c = -1,
    kind,
    cc,
    at,
    to,
    shift,
  } = f;
  const { sp, not, write, sign, exit } = f;
  return {
    op,
    uses: usesOf(op as Uop['op'], a as number, b as number, p as number),
    ends: 0,
    w,
    d,
    a,
    b,
    lo,
    hi,
    disp,
    cls,
    p,
    c,
    kind,
    cc,
    at,
    to,
    shift,
    sp,
    not,
    write,
    sign,
    exit,
  } as Uop;
}
