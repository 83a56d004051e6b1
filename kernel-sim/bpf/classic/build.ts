/** The eBPF instructions that conversion writes, as short as include/linux/filter.h's macros name them. */
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_CALL,
  BPF_END,
  BPF_EXIT,
  BPF_JMP,
  BPF_K,
  BPF_LDX,
  BPF_MEM,
  BPF_MOV,
  BPF_STX,
  BPF_W,
  BPF_X,
  type Insn,
  insn,
} from '../../../src/isa/index.ts';

export {
  alu32Imm,
  ja as jump,
  jumpImm,
  mov32Imm,
  movImm as mov64Imm,
  movReg as mov64,
} from '../../../src/isa/build.ts';

export const mov32 = (dst: number, src: number): Insn => insn(BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0);
export const alu64Imm = (op: number, dst: number, imm: number): Insn => insn(BPF_ALU64 | op | BPF_K, dst, 0, 0, imm);
export const alu32 = (op: number, dst: number, src: number): Insn => insn(BPF_ALU | op | BPF_X, dst, src, 0, 0);
/** network byte order to the host's */
export const fromBe = (dst: number, bits: number): Insn => insn(BPF_ALU | BPF_END | BPF_X, dst, 0, 0, bits);
export const load = (size: number, dst: number, src: number, off: number): Insn =>
  insn(BPF_LDX | BPF_MEM | size, dst, src, off, 0);
export const store32 = (dst: number, src: number, off: number): Insn =>
  insn(BPF_STX | BPF_MEM | BPF_W, dst, src, off, 0);
export const call = (imm: number): Insn => insn(BPF_JMP | BPF_CALL, 0, 0, 0, imm);
export const exit = (): Insn => insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
