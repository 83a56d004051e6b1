/**
 * What no path reaches: removed for loaders with CAP_BPF, trapped for others.
 * kernel/bpf/verifier.c of Linux 6.12: opt_hard_wire_dead_code_branches() to sanitize_dead_code().
 */

import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import { ja } from './build.ts';
import { type Draft, rewrite } from './draft.ts';

const isNop = (i: Insn): boolean =>
  i.code === (I.BPF_JMP | I.BPF_JA) && i.dst === 0 && i.src === 0 && i.off === 0 && i.imm === 0;

/** insn_is_cond_jump(); may_goto counts as one */
function isConditional(i: Insn): boolean {
  const op = I.bpfOp(i.code);
  const cls = I.bpfClass(i.code);
  if (cls === I.BPF_JMP32) return op !== I.BPF_JA;
  return cls === I.BPF_JMP && op !== I.BPF_JA && op !== I.BPF_EXIT && op !== I.BPF_CALL;
}

/** A conditional jump of which one way is never taken becomes an unconditional one. */
function hardWireBranches({ insns, aux }: Draft): void {
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i] as Insn;
    if (!isConditional(insn)) continue;
    if (!aux[i + 1]?.seen) insns[i] = ja(insn.off);
    else if (!aux[i + 1 + insn.off]?.seen) insns[i] = ja(0);
  }
}

const NOTHING = { insns: [] };

export function removeDeadCode(draft: Draft): void {
  hardWireBranches(draft);
  rewrite(draft, (_, __, aux) => (aux.seen ? undefined : NOTHING));
  rewrite(draft, (insn) => (isNop(insn) ? NOTHING : undefined), 'one by one');
}

/** Without CAP_BPF dead code stays in its place and, should speculation get there, goes nowhere. */
export function sanitizeDeadCode({ insns, aux }: Draft): void {
  for (let i = 0; i < insns.length; i++) {
    if (!aux[i]?.seen) insns[i] = ja(-1);
  }
}
