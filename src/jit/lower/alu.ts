/** Arithmetic, logic and shifts: RFC 9669 section 4.1. Division has its own file. */
import type { Insn } from '../../isa/index.ts';
import { rax, rcx } from '../../x86/index.ts';
import { type FuncContext, isImm8 } from '../context.ts';
import { AUX, reg } from '../regs.ts';
import { move } from './mov.ts';

/** x86 mnemonics of BPF's add, sub, and, or, xor: `name` is the instruction table's. */
export function simpleReg(c: FuncContext, insn: Insn, bits: number, name: string): void {
  c.op(`${name} r/m${bits}, r${bits}`, reg(insn.dst), reg(insn.src));
}

/** With an immediate: 8 bits where they do, the accumulator's form, else 32 bits. */
export function simpleImm(c: FuncContext, insn: Insn, bits: number, name: string): void {
  const dst = reg(insn.dst);
  if (isImm8(insn.imm)) c.op(`${name} r/m${bits}, imm8`, dst, insn.imm);
  else if (dst === rax) c.op(`${name} ${bits === 64 ? 'rax' : 'eax'}, imm32`, insn.imm);
  else c.op(`${name} r/m${bits}, imm32`, dst, insn.imm);
}

export function neg(c: FuncContext, insn: Insn, bits: number): void {
  c.op(`neg r/m${bits}`, reg(insn.dst));
}

export function mulReg(c: FuncContext, insn: Insn, bits: number): void {
  c.op(`imul r${bits}, r/m${bits}`, reg(insn.dst), reg(insn.src));
}

export function mulImm(c: FuncContext, insn: Insn, bits: number): void {
  const dst = reg(insn.dst);
  c.op(`imul r${bits}, r/m${bits}, ${isImm8(insn.imm) ? 'imm8' : 'imm32'}`, dst, dst, insn.imm);
}

/** BPF's lsh, rsh, arsh and their x86 forms. */
export type Shift = 'shl' | 'shr' | 'sar';

export function shiftImm(c: FuncContext, insn: Insn, bits: number, name: Shift): void {
  if (insn.imm === 1) c.op(`${name} r/m${bits}, 1`, reg(insn.dst));
  else c.op(`${name} r/m${bits}, imm8`, reg(insn.dst), insn.imm & 0xff);
}

/**
 * Shift by a register. BMI2's three-operand forms take any; without them, or where the count is
 * in rcx already, the count goes through cl and what rcx held is kept aside.
 */
export function shiftReg(c: FuncContext, insn: Insn, bits: number, name: Shift): void {
  const [dst, src] = [reg(insn.dst), reg(insn.src)];
  if (src === rcx) {
    c.op(`${name} r/m${bits}, cl`, dst);
  } else if (c.features.bmi2) {
    c.op(`${name}x r${bits}, r/m${bits}, r${bits}`, dst, dst, src);
  } else if (dst === rcx) {
    move(c, 64, AUX, rcx);
    move(c, 64, rcx, src);
    c.op(`${name} r/m${bits}, cl`, AUX);
    move(c, 64, rcx, AUX);
  } else {
    c.op('push r64', rcx);
    move(c, 64, rcx, src);
    c.op(`${name} r/m${bits}, cl`, dst);
    c.op('pop r64', rcx);
  }
}
