/** Branches and jumps: RFC 9669 section 4.3. Each takes its short form where the distance allows. */
import type { Insn } from '../../isa/index.ts';
import { type FuncContext, isImm8 } from '../context.ts';
import { reg } from '../regs.ts';

/** BPF's mnemonics and x86's condition codes after `cmp` (or `test`). */
export const CONDITIONS: Readonly<Record<string, string>> = {
  jeq: 'e',
  jne: 'ne',
  jset: 'ne',
  jgt: 'a',
  jlt: 'b',
  jge: 'ae',
  jle: 'be',
  jsgt: 'g',
  jslt: 'l',
  jsge: 'ge',
  jsle: 'le',
};

export function branchReg(c: FuncContext, insn: Insn, bits: number, name: string): void {
  c.op(`${name === 'jset' ? 'test' : 'cmp'} r/m${bits}, r${bits}`, reg(insn.dst), reg(insn.src));
  c.jcc(CONDITIONS[name] as string, c.distance(insn.off));
}

export function branchImm(c: FuncContext, insn: Insn, bits: number, name: string): void {
  const dst = reg(insn.dst);
  if (name === 'jset') c.op(`test r/m${bits}, imm32`, dst, insn.imm);
  else if (insn.imm === 0) c.op(`test r/m${bits}, r${bits}`, dst, dst);
  else if (isImm8(insn.imm)) c.op(`cmp r/m${bits}, imm8`, dst, insn.imm);
  else c.op(`cmp r/m${bits}, imm32`, dst, insn.imm);
  c.jcc(CONDITIONS[name] as string, c.distance(insn.off));
}

/** `goto` and `gotol`; a jump to itself is two bytes, one to the next instruction none. */
export function jump(c: FuncContext, off: number): void {
  c.jmp(off === -1 ? -2 : c.distance(off), true);
}
