/** Instructions that context conversions, inlined operations and converted filters are made of; shapes as BPF_LDX_MEM and its kin of include/linux/filter.h. */
import { type Insn, insn } from './insn.ts';
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_B,
  BPF_DW,
  BPF_H,
  BPF_JMP,
  BPF_K,
  BPF_LDX,
  BPF_MEM,
  BPF_MOV,
  BPF_STX,
  BPF_W,
  BPF_X,
} from './opcodes.ts';

/** BPF_SIZE of a number of bytes. */
export function sizeCode(bytes: number): number {
  switch (bytes) {
    case 1:
      return BPF_B;
    case 2:
      return BPF_H;
    case 4:
      return BPF_W;
    default:
      return BPF_DW;
  }
}
const BYTES = new Map([
  [BPF_B, 1],
  [BPF_H, 2],
  [BPF_W, 4],
  [BPF_DW, 8],
]);
/** Bytes that a load or store accesses. */
export const accessSize = (i: Insn): number => BYTES.get(i.code & 0x18) ?? 8;

export const ldx = (bytes: number, dst: number, src: number, off: number): Insn =>
  insn(BPF_LDX | BPF_MEM | sizeCode(bytes), dst, src, off, 0);
export const stx = (bytes: number, dst: number, src: number, off: number): Insn =>
  insn(BPF_STX | BPF_MEM | sizeCode(bytes), dst, src, off, 0);
export const movReg = (dst: number, src: number): Insn => insn(BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
export const movImm = (dst: number, imm: number): Insn => insn(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
export const mov32Imm = (dst: number, imm: number): Insn => insn(BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, imm);
export const alu32Imm = (op: number, dst: number, imm: number): Insn => insn(BPF_ALU | op | BPF_K, dst, 0, 0, imm);
export const aluReg = (op: number, dst: number, src: number): Insn => insn(BPF_ALU64 | op | BPF_X, dst, src, 0, 0);
export const jumpImm = (op: number, dst: number, imm: number, off: number): Insn =>
  insn(BPF_JMP | op | BPF_K, dst, 0, off, imm);
export const ja = (off: number): Insn => insn(BPF_JMP, 0, 0, off, 0);

/** The store `i` with another width, base register and offset (BPF_EMIT_STORE): register or immediate as it was. */
export const storeAs = (i: Insn, bytes: number, base: number, off: number): Insn =>
  insn((i.code & ~0x18) | sizeCode(bytes), base, i.src, off, i.imm);
