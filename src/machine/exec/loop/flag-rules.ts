/** Flag rules of the loop's operations: from operands a, b and result r to the words of ../flags.ts. */
import { A, C, P, S, Z } from '../flags.ts';
import type { Emitter, Width } from './emitter.ts';

/** Moves the top bit of a narrow value on the stack up to bit 31. */
export function up(e: Emitter, width: Width): Emitter {
  return width < 32 ? e.i32(32 - width).op('i32.shl') : e;
}

/** ZF, SF and PF of r. */
export function result(e: Emitter, width: Width): void {
  const r = e.local('r', width);
  const value = (): unknown => e.get(r);
  if (width === 64) {
    e.setFlag(P, value, 'i64.store');
    e.setFlag(Z, () => e.get(r).i64(0).op('i64.ne'));
    return;
  }
  if (width === 32) e.setFlag(P, () => e.get(r).op('i64.extend_i32_s'), 'i64.store');
  else {
    e.setFlag(P, value);
    e.setFlag(S, () => up(e.get(r), width));
  }
  e.setFlag(Z, () => up(e.get(r), width));
}

/** Carries out of every bit, as ../flags.ts wants them. */
function carries(e: Emitter, width: Width, push: () => unknown): void {
  if (width === 64) {
    e.setFlag(A, push, 'i64.store');
    return;
  }
  // the result is not needed any more
  const c = e.local('r', width);
  push();
  e.set(c);
  e.setFlag(A, () => e.get(c));
  e.setFlag(C, () => up(e.get(c), width));
}

/** a + b, carry-in or not: (a & b) | ((a | b) & ~r). */
export function sum(e: Emitter, width: Width): void {
  const [a, b, r] = [e.local('a', width), e.local('b', width), e.local('r', width)];
  result(e, width);
  carries(e, width, () => {
    e.get(a).get(b).w(width, 'and').get(a).get(b).w(width, 'or').get(r);
    return e.constant(width, -1).w(width, 'xor', 'and', 'or');
  });
}

/** a - b: (~a & b) | (~(a ^ b) & r). */
export function difference(e: Emitter, width: Width): void {
  const [a, b, r] = [e.local('a', width), e.local('b', width), e.local('r', width)];
  result(e, width);
  carries(e, width, () => {
    e.get(a).constant(width, -1).w(width, 'xor').get(b).w(width, 'and');
    e.get(a).get(b).w(width, 'xor').constant(width, -1).w(width, 'xor');
    return e.get(r).w(width, 'and', 'or');
  });
}

/** 0 - a: b | r, as above with 0 for a. */
export function negation(e: Emitter, width: Width): void {
  result(e, width);
  carries(e, width, () => e.get(e.local('a', width)).get(e.local('r', width)).w(width, 'or'));
}

/** and, or, xor, test: CF, OF and AF clear. */
export function logic(e: Emitter, width: Width): void {
  result(e, width);
  e.setFlag(A, () => e.i64(0), 'i64.store');
}

/** Sets C from what is pushed, of which bit 0 counts: CF is bit 31, OF is bit 31 xor bit 30. */
function carryOverflow(e: Emitter, cf: () => unknown, differ: () => unknown): void {
  e.setFlag(C, () => {
    cf();
    e.i32(31).op('i32.shl');
    differ();
    return e.i32(1).op('i32.and').i32(30).op('i32.shl', 'i32.or');
  });
}

/** inc and dec: as a sum or difference with 1 for b, but CF stays. */
export const keepsCarry =
  (rule: typeof sum) =>
  (e: Emitter, width: Width): void => {
    e.flag(C).i32(31).op('i32.shr_u').set(e.k);
    rule(e, width);
    const bit = (n: number): Emitter => e.flag(C).i32(n).op('i32.shr_u');
    carryOverflow(
      e,
      () => e.get(e.k),
      () => {
        bit(31);
        bit(30);
        e.op('i32.xor').get(e.k).op('i32.xor');
      },
    );
  };

/** imul: CF and OF where the product does not fit; `over` pushes that as 0 or 1. */
export function overflow(e: Emitter, over: () => unknown): void {
  carryOverflow(e, over, () => e.i32(0));
}

/** Shifts by the count k, with 0 none. `cf` and `differ` (CF xor OF) push values whose bit 0 counts. */
export const shifted =
  (sets: 'all' | 'carry', cf: (e: Emitter, width: Width) => unknown, differ: (e: Emitter, width: Width) => unknown) =>
  (e: Emitter, width: Width): void => {
    e.get(e.k);
    e.body.open('if');
    if (sets === 'all') {
      result(e, width);
      e.setFlag(A, () => e.i32(0));
    }
    carryOverflow(
      e,
      () => cf(e, width),
      () => differ(e, width),
    );
    e.body.end();
  };
