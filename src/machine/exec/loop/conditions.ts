/** The conditions of jcc, setcc and cmovcc (Intel SDM vol. 2D, B.1.4.7) from the flag words, and of a comparison from its operands. */
import { FunctionBody, I32 } from '../../wasm/encoder.ts';
import { C, P, S, Z } from '../flags.ts';
import { Emitter, type Width } from './emitter.ts';
import { up } from './flag-rules.ts';

/** The eight whose negations are the odd codes, by code >> 1. */
export const CONDITIONS = ['o', 'b', 'e', 'be', 's', 'p', 'l', 'le'] as const;
export type Condition = (typeof CONDITIONS)[number];

const negative = (e: Emitter): Emitter => e.i32(31).op('i32.shr_u');
const zero = (e: Emitter): Emitter => e.flag(Z).op('i32.eqz');
const carry = (e: Emitter): Emitter => negative(e.flag(C));
const less = (e: Emitter): Emitter => negative(e.flag(S).flag(C).op('i32.xor').flag(C).i32(1).op('i32.shl', 'i32.xor'));

/** Pushes 1 where the condition holds, else 0. */
export const FLAG_CONDITIONS: Readonly<Record<Condition, (e: Emitter) => Emitter>> = {
  o: (e) => negative(e.flag(C).flag(C).i32(1).op('i32.shl', 'i32.xor')),
  b: carry,
  e: zero,
  be: (e) => zero(carry(e)).op('i32.or'),
  s: (e) => negative(e.flag(S)),
  p: (e) => e.flag(P).i32(0xff).op('i32.and', 'i32.popcnt').i32(1).op('i32.and', 'i32.eqz'),
  l: less,
  le: (e) => zero(less(e)).op('i32.or'),
};

/** The function of a condition code that gives 1 where it holds, else 0. */
export function conditionFunction(): FunctionBody {
  const e = new Emitter(new FunctionBody([I32], [I32]));
  const { body } = e;
  for (let n = 0; n < CONDITIONS.length; n++) body.open('block');
  e.get(0).i32(1).op('i32.shr_u');
  body.brTable(
    CONDITIONS.map((_, n) => n),
    0,
  );
  for (const name of CONDITIONS) {
    body.end();
    FLAG_CONDITIONS[name](e).get(0).i32(1).op('i32.and', 'i32.xor', 'return');
  }
  return e.op('unreachable').body;
}

/** Widths at which comparisons are fused with their branch. */
export const FUSED: readonly Width[] = [8, 32, 64];
/** Conditions that follow from operands at once: instruction on a and b; codes are those of the jump. */
export const COMPARED: Readonly<Record<string, { readonly code: number; readonly how: string }>> = {
  b: { code: 2, how: 'lt_u' },
  ae: { code: 3, how: 'ge_u' },
  e: { code: 4, how: 'eq' },
  ne: { code: 5, how: 'ne' },
  be: { code: 6, how: 'le_u' },
  a: { code: 7, how: 'gt_u' },
  l: { code: 12, how: 'lt_s' },
  ge: { code: 13, how: 'ge_s' },
  le: { code: 14, how: 'le_s' },
  g: { code: 15, how: 'gt_s' },
};
/** Of the result r of a `test` and 0: CF and OF are clear, so that l is s. */
export const TESTED: Readonly<Record<string, { readonly codes: readonly number[]; readonly how: string }>> = {
  e: { codes: [4, 6], how: 'eq' },
  ne: { codes: [5, 7], how: 'ne' },
  s: { codes: [8, 12], how: 'lt_s' },
  ns: { codes: [9, 13], how: 'ge_s' },
  le: { codes: [14], how: 'le_s' },
  g: { codes: [15], how: 'gt_s' },
};

/** Pushes whether a compares with b so. */
export function compared(e: Emitter, w: Width, how: string): void {
  up(e.get(e.local('a', w)), w);
  up(e.get(e.local('b', w)), w).w(w, how);
}

export function tested(e: Emitter, w: Width, how: string): void {
  up(e.get(e.local('r', w)), w)
    .constant(w, 0)
    .w(w, how);
}
