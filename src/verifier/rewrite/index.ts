/**
 * From an accepted program to what runs and to what user space is shown (xlated): the second half
 * of bpf_check() in kernel/bpf/verifier.c, Linux 6.12, in its order.
 */

import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import type { InsnAux, Verified, VerifierInput } from '../types.ts';
import { inlineLoops } from './bpf-loop.ts';
import { addCounters, type Counters } from './counters.ts';
import { convertAccesses } from './ctx-access.ts';
import { removeDeadCode, sanitizeDeadCode } from './dead-code.ts';
import { type Draft, type Poke, RewriteError } from './draft.ts';
import { miscFixups, zeroExtension } from './misc.ts';

export { COUNTER_BYTES, type Counters } from './counters.ts';
export { type Poke, RewriteError } from './draft.ts';

/** One function of the rewritten program. */
export interface RewrittenFunc {
  readonly name: string;
  /** slots of {@link Rewritten.insns} */
  readonly start: number;
  readonly end: number;
  readonly stackDepth: number;
  readonly tailCallReachable: boolean;
  readonly isExceptionCb: boolean;
  readonly exceptionBoundary: boolean;
  /** user space is not shown it */
  readonly hidden: boolean;
}

export interface Rewritten {
  /** final instructions; calls of functions have the relative slot in `imm`, as JitInput wants them */
  readonly insns: readonly Insn[];
  /** slot of the loaded program that each slot comes from, for line info */
  readonly origins: Int32Array;
  readonly funcs: readonly RewrittenFunc[];
  /** tail calls with a known target, in order; BPF_TAIL_CALL with `imm` n is the n-th, counted from 1 */
  readonly pokes: readonly Poke[];
  /** functions of the kernel whose calls became something else than a call, as programs name them: `bpf_loop` */
  readonly inlined: ReadonlySet<string>;
  /** where they were asked for */
  readonly counters?: Counters;
}

export interface RewriteOptions {
  /** functions of the kernel whose calls stay calls, where Linux has something quicker */
  readonly called?: ReadonlySet<string>;
  /** address of counters, of which each takes eight bytes; as many as {@link Rewritten.counters} says */
  readonly counters?: bigint;
  /** address of the program's `struct bpf_prog_aux`, which callbacks get */
  readonly progAux?: bigint;
}

const NONE: ReadonlySet<string> = new Set();

/** convert_pseudo_ld_imm64(), and the addresses that resolve_pseudo_ldimm64() put in place. */
function resolveWideLoads(draft: Draft): void {
  const { insns, aux, verified } = draft;
  for (let i = 0; i < insns.length; i++) {
    const insn = insns[i] as Insn;
    if (insn.code !== I.LD_IMM64) continue;
    const at = i++;
    if (insn.src === I.BPF_PSEUDO_FUNC || insn.src === 0) continue;
    const value = wideValue(verified, insn, aux[at] as InsnAux);
    if (value === undefined) continue;
    insns[at] = { ...insn, src: 0, imm: Number(BigInt.asIntN(32, value)) };
    insns[at + 1] = { ...(insns[at + 1] as Insn), imm: Number(BigInt.asIntN(32, value >> 32n)) };
  }
}

function wideValue(verified: Verified, insn: Insn, aux: InsnAux): bigint | undefined {
  if (insn.src === I.BPF_PSEUDO_BTF_ID) return aux.btfVarAddress;
  const map = aux.mapIndex === undefined ? undefined : verified.usedMaps[aux.mapIndex];
  if (map === undefined) return undefined;
  if (insn.src === I.BPF_PSEUDO_MAP_FD || insn.src === I.BPF_PSEUDO_MAP_IDX) return map.address;
  // an arena's addresses are those of user space
  return (map.userAddress ?? map.valueAddress ?? 0n) + BigInt(aux.mapOff ?? 0);
}

/** An accepted program, as yet unchanged. */
export function draftOf(verified: Verified, input: VerifierInput, options: RewriteOptions): Draft {
  return {
    insns: [...verified.insns],
    aux: [...verified.aux],
    subprogs: verified.subprogs.map((s) => ({ ...s, start: s.start, name: s.name, stackDepth: s.stackDepth })),
    verified,
    input,
    kernel: input.kernel,
    pokes: [],
    called: options.called ?? NONE,
    inlined: new Set(),
  };
}

/** @throws RewriteError where the kernel refuses a program that it has verified */
export const rewriteProgram = (verified: Verified, input: VerifierInput, options: RewriteOptions = {}): Rewritten =>
  rewriteDraft(draftOf(verified, input, options), options);

/** @throws RewriteError as {@link rewriteProgram}; the draft is then as far as it came */
export function rewriteDraft(draft: Draft, options: RewriteOptions): Rewritten {
  const { input } = draft;
  resolveWideLoads(draft);
  inlineLoops(draft);
  if (input.caps.bpf) removeDeadCode(draft);
  else sanitizeDeadCode(draft);
  convertAccesses(draft);
  miscFixups(draft, options.progAux ?? 0n);
  zeroExtension(draft);
  const counters =
    options.counters === undefined ? {} : { counters: addCounters(draft, options.counters, input.insns.length) };
  return { ...finish(draft), ...counters };
}

/**
 * Where functions are compiled one by one, each reference must be to one: that of a callback which never runs, and was
 * removed, is not. A program that is left with one function is compiled as it stands.
 */
function checkReferences({ insns, subprogs }: Draft): void {
  const starts = new Set(subprogs.map((s) => s.start));
  insns.forEach((i, at) => {
    const local =
      (i.code === I.LD_IMM64 && i.src === I.BPF_PSEUDO_FUNC) ||
      (i.code === (I.BPF_JMP | I.BPF_CALL) && i.src === I.BPF_PSEUDO_CALL);
    if (local && !starts.has(at + 1 + i.imm)) throw new RewriteError('EFAULT', '');
  });
}

function finish(draft: Draft): Rewritten {
  const { insns, aux, subprogs, verified } = draft;
  const several = subprogs.length > 1;
  if (several) checkReferences(draft);
  return {
    insns,
    origins: Int32Array.from(aux, (a) => a.origIdx),
    funcs: subprogs.map((s, n) => ({
      name: s.name,
      start: s.start,
      end: subprogs[n + 1]?.start ?? insns.length,
      stackDepth: s.stackDepth,
      tailCallReachable: s.tailCallReachable,
      hidden: s.hidden ?? false,
      isExceptionCb: several && s.isExceptionCb,
      exceptionBoundary: several && n === 0 && (verified.seenException ?? false),
    })),
    pokes: draft.pokes,
    inlined: draft.inlined,
  };
}
