/** The walk's findings, as the rewrites take them. */
import { BPF_JA, BPF_JMP, insn } from '../../isa/index.ts';
import type { Env } from '../env/env.ts';
import { subprogEnd } from '../prep/subprogs.ts';
import * as R from '../state/regtype.ts';
import type { Verified } from '../types.ts';

/** `remove_fastcall_spills_fills`: the stack that only those used is given back. */
export function takeFastcalls(env: Env): void {
  env.subprogs.forEach((subprog, n) => {
    let taken = false;
    for (let idx = subprog.start; idx < subprogEnd(env, n); idx++) if (env.auxAt(idx).fastcallSpills > 0) taken = true;
    if (taken && !subprog.keepFastcallStack) subprog.stackDepth = -subprog.fastcallStackOff;
  });
}

export function result(env: Env, maxStackDepth: number): Verified {
  const insns = env.insns.map((i) => ({ ...i }));
  env.aux.forEach((aux, idx) => {
    if (aux.ptrTypeBits !== R.NOT_INIT) aux.ptrType = R.typeName(aux.ptrTypeBits);
    if (aux.loopState?.fits) aux.loopInline = { callbackSubprog: aux.loopState.callbackSubprog };
    for (let n = 1; n <= aux.fastcallSpills; n++) {
      insns[idx - n] = insn(BPF_JMP | BPF_JA, 0, 0, 0, 0);
      insns[idx + n] = insn(BPF_JMP | BPF_JA, 0, 0, 0, 0);
    }
  });
  return {
    insns,
    aux: env.aux,
    subprogs: env.subprogs,
    usedMaps: env.usedMaps,
    processed: env.insnProcessed,
    uninitReads: [...env.uninitReads].sort((a, b) => a - b),
    maxStackDepth,
    changesPktData: env.changesPktData,
    seenDirectWrite: env.seenDirectWrite,
    seenException: env.seenException,
    maxRdonlyAccess: env.maxRdonlyAccess,
    maxRdwrAccess: env.maxRdwrAccess,
  };
}
