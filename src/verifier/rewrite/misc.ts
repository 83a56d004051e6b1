/** The pass over all instructions that gives them their final form: do_misc_fixups() of kernel/bpf/verifier.c, Linux 6.12. */

import type { Insn } from '../../isa/index.ts';
import * as I from '../../isa/index.ts';
import { BPF_F_NO_USER_CONV, BPF_MAX_LOOPS } from '../../uapi/index.ts';
import { alu64Imm, exit, jmpImm, ldxDw, mov64, stDw, stxDw } from './build.ts';
import { helperCall } from './calls.ts';
import { guardDivision } from './division.ts';
import { type Draft, type Patch, RewriteError, rewrite, type Subprog, subprogOf } from './draft.ts';
import { kfuncCall } from './kfuncs.ts';
import { maskPointerArithmetic } from './speculation.ts';

const COUNTER = 8;
const MAY_GOTO = I.BPF_JMP | I.BPF_JCOND;
const CALL = I.BPF_JMP | I.BPF_CALL;
const MOV_X = I.BPF_ALU64 | I.BPF_MOV | I.BPF_X;

/** A program that throws, without a handler of its own, returns what was thrown. */
function addDefaultExceptionCallback(draft: Draft): void {
  const last = draft.insns.length - 1;
  const aux = draft.aux[last];
  if (aux === undefined) return;
  const start = last + 1;
  draft.insns.push(mov64(0, 1), exit());
  draft.aux.push({ seen: true, origIdx: aux.origIdx }, { seen: true, origIdx: aux.origIdx });
  const subprog: Subprog = {
    start,
    stackDepth: 0,
    hasTailCall: false,
    tailCallReachable: false,
    hasLdAbs: false,
    isCallback: false,
    isAsyncCallback: false,
    isExceptionCb: true,
    hidden: true,
    name: '',
  };
  draft.subprogs.push(subprog);
}

/** A move between address spaces: to the kernel's it only keeps the low half, to the user's the JIT does it. */
function addressSpaceCast(draft: Draft, i: Insn): Patch | undefined {
  const arena = draft.verified.usedMaps.find((m) => m.type === ARENA);
  if ((i.off === I.BPF_ADDR_SPACE_CAST && i.imm === 1) || (arena && (arena.flags & BPF_F_NO_USER_CONV) !== 0)) {
    return { insns: [{ ...i, code: I.BPF_ALU | I.BPF_MOV | I.BPF_X, off: 0, imm: 0 }] };
  }
  return undefined;
}
const ARENA = 33;

/** may_goto counts down a slot below the function's stack. */
function mayGoto(i: Insn, depth: number): Insn[] {
  const at = -depth - COUNTER;
  const ax = I.BPF_REG_AX;
  return [
    ldxDw(ax, 10, at),
    jmpImm(I.BPF_JEQ, ax, 0, i.off >= 0 ? i.off + 2 : i.off - 1),
    alu64Imm(I.BPF_SUB, ax, 1),
    stxDw(10, ax, at),
  ];
}

const isLegacyLoad = (i: Insn): boolean =>
  I.bpfClass(i.code) === I.BPF_LD && (I.bpfMode(i.code) === I.BPF_ABS || I.bpfMode(i.code) === I.BPF_IND);

export function miscFixups(draft: Draft, progAux: bigint): void {
  const { input, kernel, verified } = draft;
  if (verified.seenException && !draft.subprogs.some((s) => s.isExceptionCb)) addDefaultExceptionCallback(draft);
  const context = kernel.context(input.type, input.expectedAttachType);
  const of = subprogOf(draft);
  const counting = new Set<Subprog>();

  rewrite(draft, (given, index, aux) => {
    if (given.code === MOV_X && given.imm !== 0) return addressSpaceCast(draft, given);
    const narrowed = aux.needsZext && I.bpfClass(given.code) === I.BPF_ALU64;
    const insn = narrowed ? { ...given, code: I.BPF_ALU | I.bpfOp(given.code) | I.bpfSrc(given.code) } : given;
    const guarded = guardDivision(insn);
    if (guarded) return { insns: guarded };
    if (isLegacyLoad(insn)) {
      const lowered = context?.genLdAbs?.(insn);
      if (!lowered) throw new RewriteError('EINVAL', 'bpf verifier is misconfigured');
      return { insns: lowered };
    }
    const masked = maskPointerArithmetic(insn, aux);
    if (masked) return { insns: masked };
    if (insn.code === MAY_GOTO && insn.src === I.BPF_MAY_GOTO) {
      const subprog = draft.subprogs[of[index] as number] as Subprog;
      counting.add(subprog);
      return { insns: mayGoto(insn, subprog.stackDepth) };
    }
    if (insn.code !== CALL || insn.src === I.BPF_PSEUDO_CALL) return narrowed ? { insns: [insn] } : undefined;
    return insn.src === I.BPF_PSEUDO_KFUNC_CALL
      ? kfuncCall(draft, insn, aux, progAux)
      : helperCall(draft, insn, aux, progAux);
  });
  startCounters(draft, counting);
}

/** The counter is set in front of the function's first instruction; jumps back to that do not set it again. */
function startCounters(draft: Draft, counting: ReadonlySet<Subprog>): void {
  if (counting.size === 0) return;
  const starts = new Map<number, number>();
  for (const subprog of counting) {
    subprog.stackDepth += COUNTER;
    subprog.stackExtra = COUNTER;
    starts.set(subprog.start, -subprog.stackDepth);
  }
  rewrite(draft, (insn, index) => {
    const at = starts.get(index);
    return at === undefined ? undefined : { insns: [stDw(10, at, BPF_MAX_LOOPS), insn], jumpsSkip: 1 };
  });
}

const isCmpxchg = (i: Insn): boolean =>
  I.bpfClass(i.code) === I.BPF_STX &&
  I.bpfMode(i.code) === I.BPF_ATOMIC &&
  i.imm === I.BPF_CMPXCHG &&
  I.bpfSize(i.code) === I.BPF_W;
/** `imm` 1 says that the move is the verifier's zero extension */
const zeroExtend = (reg: number): Insn => I.insn(I.BPF_ALU | I.BPF_MOV | I.BPF_X, reg, reg, 0, 1);

/** Every 32-bit result is zero-extended by x86-64, except that of a compare-and-exchange that does not load R0. */
export function zeroExtension(draft: Draft): void {
  rewrite(draft, (insn, _, aux) => (aux.zextDst && isCmpxchg(insn) ? { insns: [insn, zeroExtend(0)] } : undefined));
}
