/** Code that packet programs get in front of themselves and for legacy loads: net/core/filter.c, Linux 6.12. */

import { accessSize, alu32Imm, aluReg, jumpImm, ldx, mov32Imm, movImm, movReg } from '../../../src/isa/build.ts';
import {
  BPF_ADD,
  BPF_ALU,
  BPF_ALU64,
  BPF_AND,
  BPF_CALL,
  BPF_EXIT,
  BPF_IND,
  BPF_JEQ,
  BPF_JMP,
  BPF_JSGE,
  BPF_X,
  BPF_XOR,
  bpfMode,
  bpfSize,
  type Insn,
  insn,
} from '../../../src/isa/index.ts';
import type { StructLayout } from '../../core/field-layout.ts';
import { type ContextEnv, emitCall } from './env.ts';

const SKB_PULL_DATA = 39;
const exit = (): Insn => insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);

/** bpf_unclone_prologue: a program that writes into the packet first makes it its own. */
export function unclonePrologue(layout: StructLayout, directWrite: boolean, drop: number, first: Insn): Insn[] {
  if (!directWrite) return [];
  return [
    ldx(1, 6, 1, layout.field('sk_buff', '__cloned_offset').offset),
    alu32Imm(BPF_AND, 6, 1),
    jumpImm(BPF_JEQ, 6, 0, 7),
    movReg(6, 1),
    aluReg(BPF_XOR, 2, 2),
    insn(BPF_JMP | BPF_CALL, 0, 0, 0, SKB_PULL_DATA),
    jumpImm(BPF_JEQ, 0, 0, 2),
    mov32Imm(0, drop),
    exit(),
    movReg(1, 6),
    first,
  ];
}

/** bpf_gen_ld_abs: LD_ABS and LD_IND become a call; R6 holds the packet, an error ends the program with 0. */
export function genLdAbs(env: ContextEnv, i: Insn): Insn[] {
  const out: Insn[] = [];
  if (bpfMode(i.code) === BPF_IND) {
    out.push(movReg(2, i.src));
    if (i.imm !== 0) out.push(insn(BPF_ALU64 | BPF_ADD, 2, 0, 0, i.imm));
  } else {
    out.push(movImm(2, i.imm));
  }
  out.push(movReg(1, 6));
  out.push(emitCall(env, `bpf_skb_load_helper_${8 * accessSize({ ...i, code: bpfSize(i.code) })}_no_cache`));
  out.push(jumpImm(BPF_JSGE, 0, 0, 2), insn(BPF_ALU | BPF_XOR | BPF_X, 0, 0, 0, 0), exit());
  return out;
}
