/**
 * Replacing instructions by sequences: jumps and calls that cross a replaced instruction keep their targets
 * (what `bpf_patch_insn_data` and `bpf_adjust_branches` do one patch at a time, here for all at once).
 */

import type { Insn } from '../../../src/isa/index.ts';
import * as isa from '../../../src/isa/index.ts';

export interface Patched {
  insns: Insn[];
  /** slot of the old program that each new slot came from */
  origins: Int32Array;
}

/** Target slot of a jump, call or function reference that is relative to its own slot. */
export function targetOf(insn: Insn, slot: number): number | undefined {
  const klass = isa.bpfClass(insn.code);
  if (insn.code === isa.LD_IMM64) return insn.src === isa.BPF_PSEUDO_FUNC ? slot + 1 + insn.imm : undefined;
  if (klass !== isa.BPF_JMP && klass !== isa.BPF_JMP32) return undefined;
  switch (isa.bpfOp(insn.code)) {
    case isa.BPF_EXIT:
      return undefined;
    case isa.BPF_CALL:
      return insn.code === (isa.BPF_JMP | isa.BPF_CALL) && insn.src === isa.BPF_PSEUDO_CALL
        ? slot + 1 + insn.imm
        : undefined;
    case 0xf0:
      return undefined;
    default:
      return insn.code === (isa.BPF_JMP32 | isa.BPF_JA) ? slot + 1 + insn.imm : slot + 1 + insn.off;
  }
}

const inImm = (insn: Insn): boolean =>
  insn.code === isa.LD_IMM64 ||
  insn.code === (isa.BPF_JMP | isa.BPF_CALL) ||
  insn.code === (isa.BPF_JMP32 | isa.BPF_JA);

/** An instruction of a sequence that jumps where the replaced one did. */
export type SequenceInsn = Insn & { readonly keepsTarget?: true };

/**
 * @param replace what stands in a slot's place; undefined: the instruction itself. Where a sequence holds the very
 *   object it replaces, or one that says so, that one's target is kept; other jumps are within the sequence.
 */
export function patch(
  insns: readonly Insn[],
  replace: (insn: Insn, slot: number) => readonly SequenceInsn[] | undefined,
): Patched {
  const starts = new Int32Array(insns.length + 1);
  const sequences = insns.map((insn, slot) => replace(insn, slot) ?? [insn]);
  let total = 0;
  sequences.forEach((s, slot) => {
    starts[slot] = total;
    total += s.length;
  });
  starts[insns.length] = total;
  const origins = new Int32Array(total);
  const out: Insn[] = [];
  sequences.forEach((sequence, slot) => {
    for (const { keepsTarget, ...insn } of sequence as SequenceInsn[]) {
      const here = out.length;
      origins[here] = slot;
      const keeps = keepsTarget || sequence.length === 1;
      const target = keeps ? targetOf(insns[slot]!, slot) : undefined;
      const moved =
        target === undefined || target < 0 || target > insns.length ? undefined : starts[target]! - here - 1;
      if (moved === undefined) out.push({ ...insn });
      else out.push(inImm(insn) ? { ...insn, imm: moved } : { ...insn, off: moved });
    }
  });
  return { insns: out, origins };
}
