/**
 * The program while it is rewritten: instructions, what the walk learned of each, where functions
 * start. Stands for `bpf_patch_insn_data()` and `bpf_remove_insns()` of kernel/bpf/core.c, but a
 * pass collects its patches and jumps are retargeted once, so a pass takes linear time.
 */

import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import type { VerifierKernel } from '../kernel.ts';
import type { InsnAux, SubprogInfo, Verified, VerifierInput } from '../types.ts';

/** A program that was accepted but cannot be rewritten: the kernel refuses the load then, too. @internal becomes the errno of PROG_LOAD */
export class RewriteError extends Error {
  override readonly name = 'RewriteError';
  readonly errno: string;
  constructor(errno: string, message: string) {
    super(message);
    this.errno = errno;
  }
}

/** One instruction of a patch; a call made by it names its target by the index before the pass. */
export interface PatchInsn extends Insn {
  readonly callTo?: number;
}

export interface Subprog extends SubprogInfo {
  /** bytes added for a counter that the function's first instruction sets */
  stackExtra?: number;
  /** compiled, but not shown */
  hidden?: boolean;
}

/** A tail call whose target is known: patched directly when its slot is set. */
export interface Poke {
  /** index in {@link Verified.usedMaps} */
  readonly mapIndex: number;
  readonly key: number;
}

export interface Draft {
  insns: Insn[];
  aux: InsnAux[];
  subprogs: Subprog[];
  readonly verified: Verified;
  readonly input: VerifierInput;
  readonly kernel: VerifierKernel;
  readonly pokes: Poke[];
  /** see {@link RewriteOptions} and {@link Rewritten} */
  readonly called: ReadonlySet<string>;
  readonly inlined: Set<string>;
}

/** Whether a call of a kernel function becomes what Linux has in its place; noted where it does. */
export function inlines({ called, inlined }: Pick<Draft, 'called' | 'inlined'>, name: string): boolean {
  if (called.has(name)) return false;
  inlined.add(name);
  return true;
}

/** What kind of relative target an instruction has. */
export type TargetKind = 'none' | 'off' | 'imm';

export function targetKind(i: Insn): TargetKind {
  const cls = I.bpfClass(i.code);
  if (cls === I.BPF_JMP32) {
    const op = I.bpfOp(i.code);
    if (op === I.BPF_JA) return 'imm';
    return op === I.BPF_CALL || op === I.BPF_EXIT ? 'none' : 'off';
  }
  if (cls === I.BPF_JMP) {
    const op = I.bpfOp(i.code);
    if (op === I.BPF_CALL) return i.src === I.BPF_PSEUDO_CALL ? 'imm' : 'none';
    return op === I.BPF_EXIT || i.code === (I.BPF_JMP | I.BPF_TAIL_CALL) ? 'none' : 'off';
  }
  return i.code === I.LD_IMM64 && i.src === I.BPF_PSEUDO_FUNC ? 'imm' : 'none';
}

/** Calls and function addresses go to a function's start, whatever a pass puts in front of its first instruction. */
const isCallLike = (i: Insn): boolean =>
  i.code === I.LD_IMM64 || (I.bpfClass(i.code) === I.BPF_JMP && I.bpfOp(i.code) === I.BPF_CALL);

export interface Patch {
  readonly insns: readonly PatchInsn[];
  /** jumps (not calls) to the replaced instruction go this many instructions into the patch */
  readonly jumpsSkip?: number;
}

const blankAux = (from: InsnAux): InsnAux => ({ seen: from.seen, origIdx: from.origIdx });

/**
 * Replaces instructions, each by the patch that `each` answers; an empty patch removes it, and
 * undefined leaves it. Jumps within a patch stay; those that leave it count the instructions
 * around it as they were before the pass. What is removed goes in runs, as the kernel does it, or one by one: a jump into
 * it is then one to what follows.
 */
export function rewrite(
  draft: Draft,
  each: (insn: Insn, index: number, aux: InsnAux) => Patch | undefined,
  removal: 'in runs' | 'one by one' = 'in runs',
): void {
  const { insns, aux } = draft;
  const count = insns.length;
  const patches = new Array<Patch | undefined>(count);
  const starts = new Int32Array(count + 1);
  let changed = false;
  for (let i = 0; i < count; i++) {
    const patch = each(insns[i] as Insn, i, aux[i] as InsnAux);
    patches[i] = patch;
    if (patch !== undefined) changed = true;
    starts[i + 1] = (starts[i] as number) + (patch?.insns.length ?? 1);
  }
  if (!changed) return;

  const place = placer(patches, starts, removal === 'in runs');
  const out: Insn[] = [];
  const outAux: InsnAux[] = [];
  /** new offset of an instruction now at `at` whose target was `target` */
  const retarget = (i: Insn, at: number, target: number): Insn => {
    const skip = isCallLike(i) ? 0 : (patches[target]?.jumpsSkip ?? 0);
    const distance = place(target) + skip - at - 1;
    if (targetKind(i) === 'imm') return distance === i.imm ? i : { ...i, imm: distance };
    if (distance === i.off) return i;
    if (distance < -32768 || distance > 32767) {
      throw new RewriteError('ERANGE', `insn ${at} cannot be patched due to 16-bit range`);
    }
    return { ...i, off: distance };
  };

  for (let i = 0; i < count; i++) {
    const patch = patches[i];
    const own = aux[i] as InsnAux;
    if (patch === undefined) {
      const insn = insns[i] as Insn;
      const kind = targetKind(insn);
      out.push(kind === 'none' ? insn : retarget(insn, out.length, i + 1 + (kind === 'imm' ? insn.imm : insn.off)));
      outAux.push(own);
      continue;
    }
    const { length } = patch.insns;
    patch.insns.forEach((given, k) => {
      const { callTo, ...insn } = given;
      const kind = targetKind(insn);
      let placed: Insn = insn;
      if (callTo !== undefined) placed = retarget(insn, out.length, callTo);
      else if (kind !== 'none') {
        const to = k + 1 + (kind === 'imm' ? insn.imm : insn.off);
        if (to > length) placed = retarget(insn, out.length, i + 1 + to - length);
        else if (to < 0) placed = retarget(insn, out.length, i + to);
      }
      out.push(placed);
      outAux.push(k === length - 1 ? own : blankAux(own));
    });
  }
  draft.insns = out;
  draft.aux = outAux;
  moveSubprogs(draft, starts, count);
}

/**
 * Where a target is after the pass. One that was removed keeps its number of instructions from the start of what was
 * removed with it, and what is removed behind moves it only where it lies beyond: as bpf_adj_branches() counts.
 */
function placer(
  patches: readonly (Patch | undefined)[],
  starts: Int32Array,
  inRuns: boolean,
): (target: number) => number {
  const count = patches.length;
  const isGone = (n: number): boolean => patches[n]?.insns.length === 0;
  return (target) => {
    if (target < 0) return target;
    if (target >= count) return (starts[count] as number) + target - count;
    if (!inRuns || !isGone(target)) return starts[target] as number;
    let from = target;
    while (from > 0 && isGone(from - 1)) from--;
    let at = (starts[from] as number) + target - from;
    for (let n = target; n < count; n++) {
      if (!isGone(n) || (n > 0 && isGone(n - 1))) continue;
      let end = n;
      while (end < count && isGone(end)) end++;
      if (at >= (starts[n] as number) + end - n) at -= end - n;
      n = end;
    }
    return at;
  };
}

/** Functions keep their first instruction; one that lost all of its instructions is gone. */
function moveSubprogs(draft: Draft, starts: Int32Array, count: number): void {
  const { subprogs } = draft;
  const ends = subprogs.map((_, n) => starts[subprogs[n + 1]?.start ?? count] as number);
  draft.subprogs = subprogs.flatMap((s, n) => {
    const start = starts[s.start] as number;
    if (start === ends[n] && n > 0) return [];
    s.start = start;
    return [s];
  });
}

/** Which function each instruction belongs to. */
export function subprogOf(draft: Draft): Int32Array {
  const of = new Int32Array(draft.insns.length);
  draft.subprogs.forEach((s, n) => {
    of.fill(n, s.start, draft.subprogs[n + 1]?.start ?? draft.insns.length);
  });
  return of;
}
