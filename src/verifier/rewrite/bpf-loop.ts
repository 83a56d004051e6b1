/** bpf_loop() with a known callback and no flags, inlined: optimize_bpf_loop() of kernel/bpf/verifier.c, Linux 6.12. */

import { ERRNO } from '../../errors/errno.ts';
import * as I from '../../isa/index.ts';
import { BPF_MAX_LOOPS } from '../../uapi/index.ts';
import { alu64Imm, ja, jmp, jmpImm, ldxDw, mov32Imm, mov64, stxDw } from './build.ts';
import { type Draft, inlines, type PatchInsn, rewrite, subprogOf } from './draft.ts';

/** R6, R7 and R8 are saved while they count, bound and carry the context */
const SAVED = 3 * 8;
const [MAX, COUNT, CONTEXT] = [6, 7, 8] as const;

function loop(base: number, callback: number): PatchInsn[] {
  return [
    jmpImm(I.BPF_JLE, 1, BPF_MAX_LOOPS, 2),
    mov32Imm(0, -ERRNO.E2BIG),
    ja(16),
    stxDw(10, MAX, base),
    stxDw(10, COUNT, base + 8),
    stxDw(10, CONTEXT, base + 16),
    mov64(MAX, 1),
    mov32Imm(COUNT, 0),
    mov64(CONTEXT, 3),
    jmp(I.BPF_JGE, COUNT, MAX, 5),
    mov64(1, COUNT),
    mov64(2, CONTEXT),
    { ...I.insn(I.BPF_JMP | I.BPF_CALL, 0, I.BPF_PSEUDO_CALL, 0, 0), callTo: callback },
    alu64Imm(I.BPF_ADD, COUNT, 1),
    jmpImm(I.BPF_JEQ, 0, 0, -6),
    mov64(0, COUNT),
    ldxDw(MAX, 10, base),
    ldxDw(COUNT, 10, base + 8),
    ldxDw(CONTEXT, 10, base + 16),
  ];
}

export function inlineLoops(draft: Draft): void {
  const of = subprogOf(draft);
  const extra = new Map<number, number>();
  rewrite(draft, (_, index, aux) => {
    if (aux.loopInline === undefined || !inlines(draft, 'bpf_loop')) return undefined;
    const subprog = of[index] as number;
    const depth = draft.subprogs[subprog]?.stackDepth ?? 0;
    const roundUp = ((depth + 7) & ~7) - depth;
    extra.set(subprog, SAVED + roundUp);
    const callback = draft.subprogs[aux.loopInline.callbackSubprog]?.start;
    if (callback === undefined) return undefined;
    return { insns: loop(-(depth + SAVED + roundUp), callback) };
  });
  for (const [subprog, bytes] of extra) {
    const s = draft.subprogs[subprog];
    if (s) s.stackDepth += bytes;
  }
}
