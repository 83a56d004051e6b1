/** The abstract domain against concrete values: whatever the operands may be, the result allows the true one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as I from '../../src/isa/index.ts';
import { computable, scalarAlu } from '../../src/verifier/domain/alu.ts';
import { type Bounds, known, UNKNOWN, violation } from '../../src/verifier/domain/bounds.ts';
import { decide, split } from '../../src/verifier/domain/branch.ts';
import { signExtend, signExtend32, zeroExtend } from '../../src/verifier/domain/cast.ts';
import { sync } from '../../src/verifier/domain/sync.ts';
import { contains, tnum, tnumConst, tnumRange } from '../../src/verifier/domain/tnum.ts';
import { s64, u64 } from '../../src/verifier/domain/u64.ts';

const ALU = [I.BPF_ADD, I.BPF_SUB, I.BPF_MUL, I.BPF_AND, I.BPF_OR, I.BPF_XOR, I.BPF_LSH, I.BPF_RSH, I.BPF_ARSH];
const JMP = [
  I.BPF_JEQ,
  I.BPF_JNE,
  I.BPF_JGT,
  I.BPF_JGE,
  I.BPF_JLT,
  I.BPF_JLE,
  I.BPF_JSGT,
  I.BPF_JSGE,
  I.BPF_JSLT,
  I.BPF_JSLE,
  I.BPF_JSET,
];

/** values where ranges and signs meet, and any other */
const value = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(
    0n,
    1n,
    0x7fffffffn,
    0x80000000n,
    0xffffffffn,
    0x100000000n,
    (1n << 63n) - 1n,
    1n << 63n,
    (1n << 64n) - 1n,
  ),
  fc.bigInt({ min: 0n, max: 300n }),
);

/** A description, and a value that it allows. */
const described = fc
  .tuple(value, value, value, fc.integer({ min: 0, max: 4 }))
  .map(([v, other, mask, kind]): [Bounds, bigint] => {
    const b = UNKNOWN.copy();
    const [lo, hi] = v < other ? [v, other] : [other, v];
    const [slo, shi] = s64(v) < s64(other) ? [s64(v), s64(other)] : [s64(other), s64(v)];
    if (kind === 0) return [known(v), v];
    if (kind === 1) {
      b.umin = lo;
      b.umax = hi;
    } else if (kind === 2) {
      b.smin = slo;
      b.smax = shi;
    } else if (kind === 3) b.tnum = tnum(v & ~mask & ((1n << 64n) - 1n), mask);
    else {
      const a = Number(BigInt.asIntN(32, v));
      const c = Number(BigInt.asIntN(32, other));
      b.s32min = Math.min(a, c);
      b.s32max = Math.max(a, c);
    }
    return [sync(b), v];
  });

function allows(b: Bounds, v: bigint): boolean {
  const low = Number(BigInt.asUintN(32, v));
  return (
    contains(b.tnum, tnumConst(v)) &&
    b.umin <= v &&
    v <= b.umax &&
    b.smin <= s64(v) &&
    s64(v) <= b.smax &&
    b.u32min <= low &&
    low <= b.u32max &&
    b.s32min <= (low | 0) &&
    (low | 0) <= b.s32max
  );
}

function machine(op: number, a: bigint, b: bigint, alu32: boolean): bigint {
  const bits = alu32 ? 32 : 64;
  const x = BigInt.asUintN(bits, a);
  const y = BigInt.asUintN(bits, b);
  const sx = BigInt.asIntN(bits, a);
  switch (op) {
    case I.BPF_ADD:
      return BigInt.asUintN(bits, x + y);
    case I.BPF_SUB:
      return BigInt.asUintN(bits, x - y);
    case I.BPF_MUL:
      return BigInt.asUintN(bits, x * y);
    case I.BPF_AND:
      return x & y;
    case I.BPF_OR:
      return x | y;
    case I.BPF_XOR:
      return x ^ y;
    case I.BPF_LSH:
      return BigInt.asUintN(bits, x << y);
    case I.BPF_RSH:
      return x >> y;
    default:
      return BigInt.asUintN(bits, sx >> y);
  }
}

function holds(op: number, a: bigint, b: bigint, jmp32: boolean): boolean {
  const bits = jmp32 ? 32 : 64;
  const [x, y] = [BigInt.asUintN(bits, a), BigInt.asUintN(bits, b)];
  const [sx, sy] = [BigInt.asIntN(bits, a), BigInt.asIntN(bits, b)];
  const table: Record<number, boolean> = {
    [I.BPF_JEQ]: x === y,
    [I.BPF_JNE]: x !== y,
    [I.BPF_JGT]: x > y,
    [I.BPF_JGE]: x >= y,
    [I.BPF_JLT]: x < y,
    [I.BPF_JLE]: x <= y,
    [I.BPF_JSGT]: sx > sy,
    [I.BPF_JSGE]: sx >= sy,
    [I.BPF_JSLT]: sx < sy,
    [I.BPF_JSLE]: sx <= sy,
    [I.BPF_JSET]: (x & y) !== 0n,
  };
  return table[op] as boolean;
}

describe('the domain is sound', () => {
  it('arithmetic', () => {
    fc.assert(
      fc.property(fc.constantFrom(...ALU), fc.boolean(), described, described, (op, alu32, [a, x], [b, y]) => {
        if (!computable(op, b, alu32)) return;
        expect(allows(scalarAlu(op, a, b, alu32), machine(op, x, y, alu32))).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('branches', () => {
    fc.assert(
      fc.property(fc.constantFrom(...JMP), fc.boolean(), described, described, (op, jmp32, [a, x], [b, y]) => {
        const taken = holds(op, x, y, jmp32);
        const decided = decide(op, a, b, jmp32);
        if (decided !== undefined) {
          expect(decided).toBe(taken);
          return;
        }
        const sides = split(op, a, b, jmp32, false);
        const [left, right] = taken ? sides.taken : sides.fallthrough;
        // a side that contradicts itself is given up by the caller
        if (violation(left) || violation(right)) return;
        expect(allows(left, x) && allows(right, y)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('casts', () => {
    fc.assert(
      fc.property(described, fc.constantFrom(1, 2, 4), ([a, x], size) => {
        expect(allows(zeroExtend(a, size), BigInt.asUintN(8 * size, x))).toBe(true);
        expect(allows(signExtend(a, size), u64(BigInt.asIntN(8 * size, x)))).toBe(true);
        if (size === 4) return;
        const low = signExtend32(a, size);
        const value32 = Number(BigInt.asIntN(8 * size, x));
        expect(
          low.s32min <= value32 && value32 <= low.s32max && low.u32min <= value32 >>> 0 && value32 >>> 0 <= low.u32max,
        ).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  it('a range as a tnum holds its ends', () => {
    fc.assert(
      fc.property(value, value, (a, b) => {
        const [lo, hi] = a < b ? [a, b] : [b, a];
        const t = tnumRange(lo, hi);
        expect(contains(t, tnumConst(lo)) && contains(t, tnumConst(hi))).toBe(true);
      }),
    );
  });
});
