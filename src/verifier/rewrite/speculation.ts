/**
 * Pointer arithmetic under speculation: an offset beyond the limit is masked to zero.
 * do_misc_fixups() of kernel/bpf/verifier.c, Linux 6.12.
 */

import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import {
  ALU_IMMEDIATE,
  ALU_NEG_VALUE,
  ALU_NON_POINTER,
  ALU_SANITIZE_DST,
  ALU_SANITIZE_SRC,
  type InsnAux,
} from '../types.ts';
import { alu64, alu64Imm, mov32Imm, mov64 } from './build.ts';

const SANITIZE = ALU_SANITIZE_SRC | ALU_SANITIZE_DST;

const ADD_X = I.BPF_ALU64 | I.BPF_ADD | I.BPF_X;
const SUB_X = I.BPF_ALU64 | I.BPF_SUB | I.BPF_X;

export function maskPointerArithmetic(i: Insn, aux: InsnAux): Insn[] | undefined {
  if (i.code !== ADD_X && i.code !== SUB_X) return undefined;
  const state = aux.aluState ?? 0;
  if (state === 0 || state === ALU_NON_POINTER) return undefined;
  const negative = (state & ALU_NEG_VALUE) !== 0;
  const fromSrc = (state & SANITIZE) === ALU_SANITIZE_SRC;
  const immediate = (state & ALU_IMMEDIATE) !== 0;
  const off = fromSrc ? i.src : i.dst;
  const ax = I.BPF_REG_AX;
  const limit = mov32Imm(ax, aux.aluLimit ?? 0);
  const out: Insn[] = [];
  if (immediate) out.push(limit);
  else {
    if (negative) out.push(alu64Imm(I.BPF_MUL, off, -1));
    // (limit - off | off), negated and shifted, is all ones where 0 <= off <= limit
    out.push(
      limit,
      alu64(I.BPF_SUB, ax, off),
      alu64(I.BPF_OR, ax, off),
      alu64Imm(I.BPF_NEG, ax, 0),
      alu64Imm(I.BPF_ARSH, ax, 63),
      alu64(I.BPF_AND, ax, off),
    );
  }
  if (!fromSrc) out.push(mov64(i.dst, i.src));
  out.push({ ...i, src: ax, code: negative ? (i.code === ADD_X ? SUB_X : ADD_X) : i.code });
  if (fromSrc && negative && !immediate) out.push(alu64Imm(I.BPF_MUL, off, -1));
  return out;
}
