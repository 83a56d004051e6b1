/** Operands of an instruction being lifted: where they are, and reading and writing them. */
import type { Decoded } from '../ir/ir.ts';
import type { AluOp, Width } from '../ir/uop.ts';
import { place } from './address.ts';
import type { Lifter } from './lifter.ts';
import { immediate, type Place, type Value, variableValue } from './value.ts';

/** Lifts one instruction; false leaves it to the stepper. */
export type Handler = (l: Lifter, d: Decoded) => boolean;

/** Operand `i` in its place: memory is described, not read. */
export interface Operand {
  readonly w: Width;
  /** register number, -1 where it is something else */
  readonly reg: number;
  /** ah, ch, dh, bh */
  readonly high: boolean;
  readonly mem: Place | undefined;
  readonly imm: Value | undefined;
}

const register = (w: Width, n: number): Operand => ({
  w,
  reg: n > 15 ? n - 16 : n,
  high: n > 15,
  mem: undefined,
  imm: undefined,
});
const constant = (w: Width, imm: Value): Operand => ({ w, reg: -1, high: false, mem: undefined, imm });

function memory(l: Lifter, w: Width): Operand | undefined {
  const mem = place(l);
  return mem && { w, reg: -1, high: false, mem, imm: undefined };
}

export function operand(l: Lifter, d: Decoded, i: number): Operand | undefined {
  const o = d.form.operands[i]!;
  const w = (o.size || d.form.size) as Width;
  switch (o.place) {
    case 'imm':
    case 'rel':
      return constant(w, immediate(d.insn.immLo, d.insn.immHi));
    case 'imm2':
      return constant(w, immediate(d.insn.imm2));
    case 'fixed':
      return o.fixed < 0 ? constant(w, immediate(1)) : register(w, o.fixed);
    case 'moffs':
      return memory(l, w);
    case 'rm':
      return d.insn.mem ? memory(l, w) : register(w, d.insn.rm);
    case 'vvvv':
      return register(w, d.insn.vvvv);
    default:
      return register(w, d.insn.reg);
  }
}

/** Reads an operand: low bytes count, what is above them is arbitrary unless it was memory. */
export function read(l: Lifter, o: Operand, checked = false): Value {
  if (o.imm) return o.imm;
  if (o.mem) {
    if (!checked) l.check(o.mem, o.w, false);
    return variableValue(l.load(o.mem, o.w));
  }
  const v = l.reg(o.reg);
  if (!o.high) return variableValue(v);
  const t = l.temp();
  l.plain('shr', 8, t, v, -1, 8, 0);
  return variableValue(t);
}

/** Writes an operand whose memory has been checked. */
export function write(l: Lifter, o: Operand, v: Value): boolean {
  if (o.mem) l.store(o.mem, o.w, v);
  else if (o.high) {
    if (l.isFrame(o.reg)) return false;
    l.emit({ op: 'insert', d: o.reg, a: l.variable(v), w: 1, shift: 8 });
  } else return l.setReg(o.reg, o.w, v);
  return true;
}

/** Computation is done in 32 or 64 bits. */
export const wide = (w: Width): 4 | 8 => (w === 8 ? 8 : 4);

export function binary(l: Lifter, op: AluOp, w: Width, a: number, b: Value): number {
  const d = l.temp();
  l.plain(op, wide(w), d, a, b.v, b.lo, b.hi);
  return d;
}

/** The same value in a variable of its own. */
export function copy(l: Lifter, v: number): Value {
  const t = l.temp();
  l.plain('mov', 8, t, v, -1, 0, 0);
  return variableValue(t);
}
