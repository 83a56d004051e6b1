/** Arithmetic and comparisons of the interpreter's loop against RFC 9669, written down in BigInt. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Insn, insn, ldImm64 } from '../../../../../src/isa/index.ts';
import { Bare } from './support.ts';

const bare = new Bare();
const EXIT = insn(0x95, 0, 0, 0, 0);
const u64 = (v: bigint): bigint => BigInt.asUintN(64, v);

type Binary = (a: bigint, b: bigint, bits: number) => bigint;
const signed = (f: (a: bigint, b: bigint) => bigint): Binary => {
  return (a, b, bits) => f(BigInt.asIntN(bits, a), BigInt.asIntN(bits, b));
};
/** Operation bits and offset of the instruction, and what RFC 9669 section 4.1 says: `a`, `b` unsigned of `bits` bits. */
const ALU: Record<string, [op: number, off: number, answer: Binary]> = {
  add: [0x00, 0, (a, b) => a + b],
  sub: [0x10, 0, (a, b) => a - b],
  mul: [0x20, 0, (a, b) => a * b],
  div: [0x30, 0, (a, b) => (b === 0n ? 0n : a / b)],
  sdiv: [0x30, 1, signed((a, b) => (b === 0n ? 0n : a / b))],
  or: [0x40, 0, (a, b) => a | b],
  and: [0x50, 0, (a, b) => a & b],
  lsh: [0x60, 0, (a, b, bits) => a << (b & BigInt(bits - 1))],
  rsh: [0x70, 0, (a, b, bits) => a >> (b & BigInt(bits - 1))],
  mod: [0x90, 0, (a, b) => (b === 0n ? a : a % b)],
  smod: [0x90, 1, signed((a, b) => (b === 0n ? a : a % b))],
  xor: [0xa0, 0, (a, b) => a ^ b],
  mov: [0xb0, 0, (_, b) => b],
  arsh: [0xc0, 0, (a, b, bits) => BigInt.asIntN(bits, a) >> (b & BigInt(bits - 1))],
};

/** Section 4.3. */
const JUMPS: Record<string, [op: number, taken: (a: bigint, b: bigint, bits: number) => boolean]> = {
  jeq: [0x10, (a, b) => a === b],
  jgt: [0x20, (a, b) => a > b],
  jge: [0x30, (a, b) => a >= b],
  jset: [0x40, (a, b) => (a & b) !== 0n],
  jne: [0x50, (a, b) => a !== b],
  jsgt: [0x60, (a, b, n) => BigInt.asIntN(n, a) > BigInt.asIntN(n, b)],
  jsge: [0x70, (a, b, n) => BigInt.asIntN(n, a) >= BigInt.asIntN(n, b)],
  jlt: [0xa0, (a, b) => a < b],
  jle: [0xb0, (a, b) => a <= b],
  jslt: [0xc0, (a, b, n) => BigInt.asIntN(n, a) < BigInt.asIntN(n, b)],
  jsle: [0xd0, (a, b, n) => BigInt.asIntN(n, a) <= BigInt.asIntN(n, b)],
};

const edges = [0n, 1n, 2n, 31n, 32n, 63n, 64n, 0x7fff_ffffn, 0x8000_0000n, 0xffff_ffffn, 1n << 32n, 1n << 63n, ~0n].map(
  u64,
);
const value = fc.oneof(fc.constantFrom(...edges), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }));

/** R1 op R2, or op the low half of R2's value as the immediate. */
function check(make: (code: number, src: number, imm: number) => Insn[], expected: Binary): void {
  fc.assert(
    fc.property(value, value, fc.boolean(), fc.boolean(), (a, b, wide, immediate) => {
      const bits = wide ? 64 : 32;
      const imm = Number(BigInt.asIntN(32, b));
      const operand = immediate ? BigInt(imm) : b;
      const program = make(immediate ? 0 : 8, immediate ? 0 : 2, immediate ? imm : 0).map((i, n) =>
        n === 0 && !wide ? { ...i, code: i.code ^ ((i.code & 7) === 7 ? 3 : (i.code & 7) === 5 ? 3 : 0) } : i,
      );
      const answer = expected(BigInt.asUintN(bits, a), BigInt.asUintN(bits, operand), bits);
      expect(bare.run(program, [a, b])).toBe(answer);
    }),
    { numRuns: 300 },
  );
}

describe('arithmetic', () => {
  it.each(Object.entries(ALU))('%s', (_, [op, off, answer]) => {
    check(
      (source, src, imm) => [insn(0x07 | op | source, 1, src, off, imm), insn(0xbf, 0, 1, 0, 0), EXIT],
      (a, b, bits) => BigInt.asUintN(bits, answer(a, b, bits)),
    );
  });

  it.each(Object.entries(JUMPS))('%s', (_, [op, taken]) => {
    check(
      (source, src, imm) => [
        insn(0x05 | op | source, 1, src, 2, imm),
        insn(0xb7, 0, 0, 0, 7),
        EXIT,
        insn(0xb7, 0, 0, 0, 9),
        EXIT,
      ],
      (a, b, bits) => (taken(a, b, bits) ? 9n : 7n),
    );
  });

  it('sign-extends, negates and swaps bytes', () => {
    const v = 0x8182_8384_f5f6_f7f8n;
    const cases: [Insn, bigint][] = [
      [insn(0xbf, 0, 1, 8, 0), u64(-8n)],
      [insn(0xbf, 0, 1, 16, 0), u64(-0x0808n)],
      [insn(0xbf, 0, 1, 32, 0), 0xffff_ffff_f5f6_f7f8n],
      [insn(0xbc, 0, 1, 8, 0), 0xffff_fff8n],
      [insn(0xbc, 0, 1, 16, 0), 0xffff_f7f8n],
      [insn(0x87, 0, 0, 0, 0), u64(-v)],
      [insn(0x84, 0, 0, 0, 0), BigInt.asUintN(32, -v)],
      [insn(0xd4, 0, 0, 0, 16), 0xf7f8n],
      [insn(0xd4, 0, 0, 0, 32), 0xf5f6_f7f8n],
      [insn(0xd4, 0, 0, 0, 64), v],
      [insn(0xdc, 0, 0, 0, 16), 0xf8f7n],
      [insn(0xdc, 0, 0, 0, 32), 0xf8f7_f6f5n],
      [insn(0xdc, 0, 0, 0, 64), 0xf8f7_f6f5_8483_8281n],
    ];
    for (const [i, expected] of cases) expect(bare.run([...ldImm64(0, v), ...ldImm64(1, v), i, EXIT])).toBe(expected);
  });
});
