/**
 * Rows of the instructions that the loop executes: Intel SDM vol. 2, entry of each mnemonic. Mnemonics are the x86
 * table's; what has no row here is executed by its handler (../handlers.ts).
 */
import { C } from '../flags.ts';
import type { Emitter, Width } from './emitter.ts';
import { difference, keepsCarry, logic, negation, overflow, shifted, sum } from './flag-rules.ts';
import type { InsnRow } from './row.ts';

type Body = (e: Emitter, width: Width) => void;

const ALL: readonly Width[] = [8, 16, 32, 64];
const WIDE: readonly Width[] = [32, 64];

/** One instruction of WebAssembly on a and b. */
const plain =
  (name: string): Body =>
  (e, w) =>
    void e.get(e.local('a', w)).get(e.local('b', w)).w(w, name);

/** a op b op CF. */
const withCarry =
  (name: 'add' | 'sub'): Body =>
  (e, w) => {
    plain(name)(e, w);
    e.flag(C).i32(31).op('i32.shr_u');
    if (w === 64) e.op('i64.extend_i32_u');
    e.w(w, name);
  };

/** a by the count k, which WebAssembly takes modulo the width as x86 does. */
const shift =
  (name: string): Body =>
  (e, w) => {
    e.get(e.local('a', w)).get(e.k);
    if (w === 64) e.op('i64.extend_i32_u');
    e.w(w, name);
  };

/** Pushes the i32 of a value shifted right by what `count` pushes as an i32, bit 0 of which is wanted. */
function bit(e: Emitter, w: Width, name: 'a' | 'r', count: () => unknown, how: 'shr_u' | 'shr_s' = 'shr_u'): void {
  e.get(e.local(name, w));
  count();
  if (w === 64) e.op('i64.extend_i32_u', `i64.${how}`, 'i32.wrap_i64');
  else e.op(`i32.${how}`);
}
const top = (e: Emitter, w: Width, name: 'a' | 'r', below = 0): void => bit(e, w, name, () => e.i32(w - 1 - below));
const lastOut = (e: Emitter, w: Width, how: 'shr_u' | 'shr_s'): void =>
  bit(e, w, 'a', () => e.get(e.k).i32(1).op('i32.sub'), how);

/** Reverses the bytes of the i32 on the stack: odd and even ones turn the other way round. */
function swap32(e: Emitter): Emitter {
  const t = e.local('r', 32);
  e.tee(t).i32(8).op('i32.rotl').i32(0x00ff00ff).op('i32.and');
  return e.get(t).i32(8).op('i32.rotr').i32(-0x00ff0100).op('i32.and', 'i32.or');
}

const bswap: Body = (e, w) => {
  const a = e.local('a', w);
  if (w === 32) {
    swap32(e.get(a));
    return;
  }
  swap32(e.get(a).op('i32.wrap_i64')).op('i64.extend_i32_u').i64(32).op('i64.shl');
  swap32(e.get(a).i64(32).op('i64.shr_u', 'i32.wrap_i64')).op('i64.extend_i32_u', 'i64.or');
};

/** The signed product fits where dividing gives a factor back; 0 and -1 are no divisors for that. */
const imulRule: Body = (e, w) => {
  const [a, b, r] = [e.local('a', w), e.local('b', w), e.local('r', w)];
  if (w === 32) {
    const sign = (local: number): Emitter => e.get(local).op('i64.extend_i32_s');
    overflow(e, () => {
      sign(a);
      sign(b).op('i64.mul');
      return sign(r).op('i64.ne');
    });
    return;
  }
  e.i32(0).set(e.k);
  e.get(a).op('i64.eqz', 'i32.eqz');
  e.body.open('if');
  e.get(a).i64(-1).op('i64.eq');
  e.body.open('if');
  // only the least number has no negative
  e.get(b).op('i64.eqz', 'i32.eqz').get(b).get(r).op('i64.eq', 'i32.and').set(e.k);
  e.body.else();
  e.get(r).get(a).op('i64.div_s').get(b).op('i64.ne').set(e.k);
  e.body.end();
  e.body.end();
  overflow(e, () => e.get(e.k));
};

/** b = 1 for inc and dec. */
const one =
  (name: 'add' | 'sub'): Body =>
  (e, w) => {
    e.constant(w, 1).set(e.local('b', w));
    plain(name)(e, w);
  };

const negate: Body = (e, w) => void e.constant(w, 0).get(e.local('a', w)).w(w, 'sub');
const invert: Body = (e, w) => void e.get(e.local('a', w)).constant(w, -1).w(w, 'xor');

const shiftRule = {
  shl: shifted(
    'all',
    (e, w) => bit(e, w, 'a', () => e.i32(w).get(e.k).op('i32.sub')),
    (e, w) => top(e, w, 'r'),
  ),
  shr: shifted(
    'all',
    (e, w) => lastOut(e, w, 'shr_u'),
    (e, w) => {
      lastOut(e, w, 'shr_u');
      top(e, w, 'a');
      e.op('i32.xor');
    },
  ),
  sar: shifted(
    'all',
    (e, w) => lastOut(e, w, 'shr_s'),
    (e, w) => lastOut(e, w, 'shr_s'),
  ),
  rol: shifted(
    'carry',
    (e, w) => bit(e, w, 'r', () => e.i32(0)),
    (e, w) => top(e, w, 'r'),
  ),
  ror: shifted(
    'carry',
    (e, w) => top(e, w, 'r'),
    (e, w) => top(e, w, 'r', 1),
  ),
};

const row = (
  mnemonics: string,
  kind: InsnRow['kind'],
  widths: readonly Width[],
  flags: InsnRow['flags'],
  body: Body,
  rule?: Body,
): InsnRow => ({ mnemonics, kind, widths, flags, body, ...(rule ? { rule } : {}) });

export const INSNS: readonly InsnRow[] = [
  row('add', 'update', ALL, 'all', plain('add'), sum),
  row('sub', 'update', ALL, 'all', plain('sub'), difference),
  row('and', 'update', ALL, 'all', plain('and'), logic),
  row('or', 'update', ALL, 'all', plain('or'), logic),
  row('xor', 'update', ALL, 'all', plain('xor'), logic),
  row('adc', 'update', ALL, 'looks', withCarry('add'), sum),
  row('sbb', 'update', ALL, 'looks', withCarry('sub'), difference),
  row('cmp', 'compare', ALL, 'all', plain('sub'), difference),
  row('test', 'compare', ALL, 'all', plain('and'), logic),
  row('inc', 'unary', ALL, 'some', one('add'), keepsCarry(sum)),
  row('dec', 'unary', ALL, 'some', one('sub'), keepsCarry(difference)),
  row('neg', 'unary', ALL, 'all', negate, negation),
  row('not', 'unary', ALL, 'none', invert),
  row('bswap', 'unary', WIDE, 'none', bswap),
  row('shl sal', 'shift', WIDE, 'count', shift('shl'), shiftRule.shl),
  row('shr', 'shift', WIDE, 'count', shift('shr_u'), shiftRule.shr),
  row('sar', 'shift', WIDE, 'count', shift('shr_s'), shiftRule.sar),
  row('rol', 'shift', WIDE, 'some', shift('rotl'), shiftRule.rol),
  row('ror', 'shift', WIDE, 'some', shift('rotr'), shiftRule.ror),
  row('imul', 'product', WIDE, 'some', plain('mul'), imulRule),
];
