/** Division and modulo that must not trap: zero and minus one are tested for (do_misc_fixups() of kernel/bpf/verifier.c, Linux 6.12). */
import * as I from '../../isa/index.ts';
import { type Insn, insn } from '../../isa/index.ts';
import { alu32, ja, mov32, mov32Imm, mov64 } from './build.ts';

const isDivOrMod = (i: Insn): boolean => {
  const cls = I.bpfClass(i.code);
  const op = I.bpfOp(i.code);
  return (cls === I.BPF_ALU || cls === I.BPF_ALU64) && (op === I.BPF_DIV || op === I.BPF_MOD);
};

/** x / -1 is -x, also of the least number; x % -1 is 0. */
function byMinusOne(i: Insn): Insn[] {
  const cls = I.bpfClass(i.code);
  return I.bpfOp(i.code) === I.BPF_DIV ? [insn(cls | I.BPF_NEG, i.dst, 0, 0, 0)] : [mov32Imm(i.dst, 0)];
}

/** By a register: dst / 0 is 0, dst % 0 is dst (its low half where 32 bits wide). */
function byRegister(i: Insn): Insn[] {
  const cls = I.bpfClass(i.code);
  const is64 = cls === I.BPF_ALU64;
  const jump = is64 ? I.BPF_JMP : I.BPF_JMP32;
  const isDiv = I.bpfOp(i.code) === I.BPF_DIV;
  const truncate = is64 ? [] : [ja(1), mov32(i.dst, i.dst)];
  if (i.off !== 1) {
    if (isDiv) return [insn(jump | I.BPF_JNE, i.src, 0, 2, 0), alu32(I.BPF_XOR, i.dst, i.dst), ja(1), i];
    return [insn(jump | I.BPF_JEQ, i.src, 0, is64 ? 1 : 2, 0), i, ...truncate];
  }
  const ax = I.BPF_REG_AX;
  // src + 1 is 0 or 1 where src is -1 or 0: one unsigned comparison lets the others through
  const test = [mov64(ax, i.src), insn(cls | I.BPF_ADD, ax, 0, 0, 1)];
  if (isDiv) {
    return [
      ...test,
      insn(jump | I.BPF_JGT, ax, 0, 4, 1),
      insn(jump | I.BPF_JEQ, ax, 0, 1, 0),
      insn(cls | I.BPF_MOV, i.dst, 0, 0, 0),
      insn(cls | I.BPF_NEG, i.dst, 0, 0, 0),
      ja(1),
      i,
    ];
  }
  return [
    ...test,
    insn(jump | I.BPF_JGT, ax, 0, 3, 1),
    insn(jump | I.BPF_JEQ, ax, 0, is64 ? 3 : 4, 1),
    mov32Imm(i.dst, 0),
    ja(1),
    i,
    ...truncate,
  ];
}

/** What takes the place of a division that could trap. */
export function guardDivision(i: Insn): Insn[] | undefined {
  if (!isDivOrMod(i)) return undefined;
  if (I.bpfSrc(i.code) === I.BPF_X) return byRegister(i);
  return i.off === 1 && i.imm === -1 ? byMinusOne(i) : undefined;
}
