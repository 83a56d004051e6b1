/** Arithmetic and logic, multiplication and division as micro-operations (Intel SDM vol. 2, the entry of each mnemonic). */
import { RAX, RDX, RSP } from '../../cpu.ts';
import type { Decoded } from '../ir/ir.ts';
import type { AluOp, FlagKind } from '../ir/uop.ts';
import type { Lifter } from './lifter.ts';
import { binary, copy, type Handler, operand, read, write } from './operand.ts';
import { immediate, variableValue } from './value.ts';

/** add/sub of a constant to rsp keeps the frame known. */
function adjustStack(l: Lifter, d: Decoded, by: number, kind: FlagKind): boolean {
  l.state.sp += by;
  const t = l.temp();
  l.emit({ op: 'sp', d: t, disp: l.state.sp });
  l.flags(kind, 8, t, immediate(d.insn.immLo, d.insn.immHi));
  return true;
}

const arithmetic =
  (op: AluOp, kind: FlagKind): Handler =>
  (l, d) => {
    const dst = operand(l, d, 0);
    const src = operand(l, d, 1);
    if (!dst || !src) return false;
    if (dst.reg === RSP && !dst.high) {
      if (dst.w !== 8 || !src.imm || kind === 'logic') return false;
      return adjustStack(l, d, op === 'add' ? d.insn.immLo : -d.insn.immLo, kind);
    }
    if (op === 'xor' && dst.reg >= 0 && dst.reg === src.reg && dst.w >= 4) {
      l.flags('logic', 8, l.variable(immediate(0)), immediate(0));
      return write(l, dst, immediate(0));
    }
    if (src.mem) l.check(src.mem, src.w, false);
    if (dst.mem) l.check(dst.mem, dst.w, true);
    const b = read(l, src, true);
    const a = l.variable(read(l, dst, true));
    const result = binary(l, op, dst.w, a, b);
    // The source may be the destination: keep its value for the flags.
    const kept = kind !== 'logic' && b.v >= 0 && b.v === dst.reg ? copy(l, b.v) : b;
    l.flags(kind, dst.w, result, kept);
    return write(l, dst, variableValue(result));
  };

const compare =
  (kind: 'cmp' | 'test'): Handler =>
  (l, d) => {
    const x = operand(l, d, 0);
    const y = operand(l, d, 1);
    if (!x || !y) return false;
    const a = l.variable(read(l, x));
    const b = read(l, y);
    if (kind === 'cmp') l.flags('cmp', x.w, a, b);
    else l.flags('logic', x.w, b.v === a ? a : binary(l, 'and', x.w, a, b), immediate(0));
    return true;
  };

const step =
  (op: 'add' | 'sub', kind: 'inc' | 'dec'): Handler =>
  (l, d) => {
    const dst = operand(l, d, 0);
    if (!dst || dst.reg === RSP) return false;
    if (dst.mem) l.check(dst.mem, dst.w, true);
    const cf = l.temp();
    l.emit({ op: 'setcc', d: cf, cc: 2 });
    const a = l.variable(read(l, dst, true));
    const result = binary(l, op, dst.w, a, immediate(1));
    l.flags(kind, dst.w, result, immediate(1));
    l.overlay('cf', dst.w, cf, immediate(0));
    return write(l, dst, variableValue(result));
  };

const neg: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  if (!dst || dst.reg === RSP) return false;
  if (dst.mem) l.check(dst.mem, dst.w, true);
  const a = l.variable(read(l, dst, true));
  const zero = l.variable(immediate(0));
  const result = binary(l, 'sub', dst.w, zero, variableValue(a));
  l.flags('sub', dst.w, result, dst.reg >= 0 ? copy(l, a) : variableValue(a));
  return write(l, dst, variableValue(result));
};

const not: Handler = (l, d) => {
  const dst = operand(l, d, 0);
  if (!dst || dst.reg === RSP) return false;
  if (dst.mem) l.check(dst.mem, dst.w, true);
  const a = l.variable(read(l, dst, true));
  return write(l, dst, variableValue(binary(l, 'xor', dst.w, a, immediate(-1))));
};

const imul: Handler = (l, d) => {
  if (d.form.operands.length === 1) return false;
  const dst = operand(l, d, 0);
  const src = operand(l, d, 1);
  const third = d.form.operands.length > 2 ? operand(l, d, 2) : undefined;
  if (!dst || !src || dst.w < 4 || dst.reg === RSP) return false;
  const b = l.variable(read(l, src));
  const a = third?.imm ? b : l.variable(read(l, dst));
  const factor = third?.imm ?? variableValue(b);
  l.overlay('imul', dst.w, a, factor);
  return write(l, dst, variableValue(binary(l, 'mul', dst.w, a, factor)));
};

const mul: Handler = (l, d) => {
  const src = operand(l, d, 0);
  if (!src || src.w < 4) return false;
  const b = l.variable(read(l, src));
  if (src.w === 8) {
    const high = l.temp();
    l.emit({ op: 'mulhu', d: high, a: RAX, b });
    const low = binary(l, 'mul', 8, RAX, variableValue(b));
    l.overlay('mul', 8, high, immediate(0));
    return l.setReg(RAX, 8, variableValue(low)) && l.setReg(RDX, 8, variableValue(high));
  }
  const x = l.temp();
  const y = l.temp();
  l.emit({ op: 'zext', d: x, a: RAX, w: 4 });
  l.emit({ op: 'zext', d: y, a: b, w: 4 });
  const product = binary(l, 'mul', 8, x, variableValue(y));
  const high = binary(l, 'shr', 8, product, immediate(32));
  l.overlay('mul', 4, high, immediate(0));
  return l.setReg(RAX, 4, variableValue(product)) && l.setReg(RDX, 4, variableValue(high));
};

/** Quotients of 128 (64) bits go to the stepper, as do divisions that fault. */
const div =
  (sign: boolean): Handler =>
  (l, d) => {
    const src = operand(l, d, 0);
    if (!src || src.w < 4) return false;
    const b = l.variable(read(l, src));
    const exit = l.exit();
    const w = src.w;
    const expect = (a: number, lo: number, not: boolean): void =>
      l.emit({ op: 'expect', a, sp: undefined, lo, hi: lo >> 31, w, not, exit });
    expect(b, 0, true);
    if (sign) {
      expect(b, -1, true);
      const s = binary(l, 'sar', w, RAX, immediate(8 * w - 1));
      expect(binary(l, 'xor', w, s, variableValue(RDX)), 0, false);
    } else expect(RDX, 0, false);
    const q = binary(l, sign ? 'divs' : 'divu', w, RAX, variableValue(b));
    const r = binary(l, sign ? 'rems' : 'remu', w, RAX, variableValue(b));
    return l.setReg(RAX, w, variableValue(q)) && l.setReg(RDX, w, variableValue(r));
  };

export const aluHandlers: Readonly<Record<string, Handler>> = {
  add: arithmetic('add', 'add'),
  sub: arithmetic('sub', 'sub'),
  and: arithmetic('and', 'logic'),
  or: arithmetic('or', 'logic'),
  xor: arithmetic('xor', 'logic'),
  cmp: compare('cmp'),
  test: compare('test'),
  inc: step('add', 'inc'),
  dec: step('sub', 'dec'),
  neg,
  not,
  imul,
  mul,
  div: div(false),
  idiv: div(true),
};
