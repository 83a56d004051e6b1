/** Masks in front of pointer arithmetic, as Linux 6.12.117 with mitigations=on emits them for an unprivileged loader. */
import { expect, test } from 'vitest';
import { assemble, type Insn } from '../../../src/isa/index.ts';
import { maskPointerArithmetic } from '../../../src/verifier/rewrite/speculation.ts';

const one = (source: string): Insn => assemble(source).insns[0] as Insn;
const text = (source: string): Insn[] => assemble(source).insns;
const mask = (source: string, aluState: number, aluLimit: number): Insn[] | undefined =>
  maskPointerArithmetic(one(source), { seen: true, origIdx: 0, aluState, aluLimit });

const SRC = 1;
const DST = 2;
const NEGATIVE = 4;
const NON_POINTER = 8;
const IMMEDIATE = 16;

test('a constant offset becomes the limit', () => {
  expect(mask('r0 += r1', SRC | IMMEDIATE, 0x2f)).toEqual(text('w11 = 47\nr0 += r11'));
  expect(mask('r0 += r1', SRC | IMMEDIATE | NEGATIVE, 2)).toEqual(text('w11 = 2\nr0 -= r11'));
});

test('an offset in the source is kept below the limit', () => {
  expect(mask('r0 += r1', SRC, 15)).toEqual(
    text('w11 = 15\nr11 -= r1\nr11 |= r1\nr11 = -r11\nr11 s>>= 63\nr11 &= r1\nr0 += r11'),
  );
});

test('an offset in the destination: the pointer is moved there first', () => {
  expect(mask('r1 += r0', DST, 7)).toEqual(
    text('w11 = 7\nr11 -= r1\nr11 |= r1\nr11 = -r11\nr11 s>>= 63\nr11 &= r1\nr1 = r0\nr1 += r11'),
  );
});

test('a negative offset is turned round, and back', () => {
  expect(mask('r0 += r1', SRC | NEGATIVE, 8)).toEqual(
    text('r1 *= -1\nw11 = 8\nr11 -= r1\nr11 |= r1\nr11 = -r11\nr11 s>>= 63\nr11 &= r1\nr0 -= r11\nr1 *= -1'),
  );
});

test('arithmetic on numbers stays', () => {
  expect(mask('r0 += r1', NON_POINTER, 0)).toBeUndefined();
  expect(mask('r0 += r1', 0, 0)).toBeUndefined();
  expect(mask('r0 *= r1', SRC, 8)).toBeUndefined();
});
