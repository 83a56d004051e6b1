/** Instructions that rewrites are made of (include/linux/filter.h's BPF_* macros). */
import * as I from '../../isa/index.ts';
import { type Insn, insn } from '../../isa/index.ts';

export const mov64 = (dst: number, src: number): Insn => insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_X, dst, src, 0, 0);
export const mov64Imm = (dst: number, imm: number): Insn => insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_K, dst, 0, 0, imm);
export const mov32 = (dst: number, src: number): Insn => insn(I.BPF_ALU | I.BPF_MOV | I.BPF_X, dst, src, 0, 0);
export const mov32Imm = (dst: number, imm: number): Insn => insn(I.BPF_ALU | I.BPF_MOV | I.BPF_K, dst, 0, 0, imm);
export const alu64 = (op: number, dst: number, src: number): Insn => insn(I.BPF_ALU64 | op | I.BPF_X, dst, src, 0, 0);
export const alu64Imm = (op: number, dst: number, imm: number): Insn =>
  insn(I.BPF_ALU64 | op | I.BPF_K, dst, 0, 0, imm);
export const alu32 = (op: number, dst: number, src: number): Insn => insn(I.BPF_ALU | op | I.BPF_X, dst, src, 0, 0);
export const alu32Imm = (op: number, dst: number, imm: number): Insn => insn(I.BPF_ALU | op | I.BPF_K, dst, 0, 0, imm);
export const jmpImm = (op: number, dst: number, imm: number, off: number): Insn =>
  insn(I.BPF_JMP | op | I.BPF_K, dst, 0, off, imm);
export const jmp = (op: number, dst: number, src: number, off: number): Insn =>
  insn(I.BPF_JMP | op | I.BPF_X, dst, src, off, 0);
export const ja = (off: number): Insn => insn(I.BPF_JMP | I.BPF_JA, 0, 0, off, 0);
export const exit = (): Insn => insn(I.BPF_JMP | I.BPF_EXIT, 0, 0, 0, 0);
export const ldxDw = (dst: number, src: number, off: number): Insn =>
  insn(I.BPF_LDX | I.BPF_MEM | I.BPF_DW, dst, src, off, 0);
export const ldxW = (dst: number, src: number, off: number): Insn =>
  insn(I.BPF_LDX | I.BPF_MEM | I.BPF_W, dst, src, off, 0);
export const stxDw = (dst: number, src: number, off: number): Insn =>
  insn(I.BPF_STX | I.BPF_MEM | I.BPF_DW, dst, src, off, 0);
export const stDw = (dst: number, off: number, imm: number): Insn =>
  insn(I.BPF_ST | I.BPF_MEM | I.BPF_DW, dst, 0, off, imm);
export const call = (imm: number): Insn => insn(I.BPF_JMP | I.BPF_CALL, 0, 0, 0, imm);
/** adds this CPU's per-CPU offset */
export const movPercpu = (dst: number, src: number): Insn =>
  insn(I.BPF_ALU64 | I.BPF_MOV | I.BPF_X, dst, src, I.BPF_ADDR_PERCPU, 0);
/** speculation barrier */
export const nospec = (): Insn => insn(I.BPF_ST | I.BPF_NOSPEC, 0, 0, 0, 0);
/** two slots of a wide load */
export const ldImm64 = (dst: number, value: bigint): [Insn, Insn] => [
  insn(I.LD_IMM64, dst, 0, 0, Number(BigInt.asIntN(32, value))),
  insn(0, 0, 0, 0, Number(BigInt.asIntN(32, value >> 32n))),
];
/** a call's immediate: distance from `__bpf_call_base` */
export const callImm = (address: bigint, base: bigint): number => Number(BigInt.asIntN(32, address - base));
