/** Conditional jumps: one side or both, and what each learns (check_cond_jmp_op()). */

import * as I from '../../isa/index.ts';
import { decidePacket, matchPacketPointers } from '../access/packet.ts';
import { isConstAs, knownImm } from '../domain/bounds.ts';
import { decide, flip, split } from '../domain/branch.ts';
import type { Env } from '../env/env.ts';
import { checkSane } from '../env/sanity.ts';
import { collectLinked, syncLinked } from '../prune/linked.ts';
import { bucketOf } from '../prune/list.ts';
import { readReg } from '../prune/liveness.ts';
import { previousEntry, widenImprecise } from '../prune/loops.ts';
import { markChainPrecision } from '../prune/precision.ts';
import { HIST_DST_STACK, HIST_SRC_STACK, type LinkedReg } from '../state/history.ts';
import { markNonNull, markNullChecked, neverNull } from '../state/nullness.ts';
import { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import type { VerifierState } from '../state/state.ts';
import { pushSpeculative } from './speculation.ts';

const isPtr = (reg: Reg): boolean => reg.type !== R.SCALAR_VALUE;

/** `is_branch_taken` for any two registers. */
function taken(dst: Reg, src: Reg, op: number, jmp32: boolean): boolean | undefined {
  if (!jmp32 && R.isPacketPointerOrEnd(dst.type) && R.isPacketPointerOrEnd(src.type)) return decidePacket(dst, src, op);
  if (!isPtr(dst) && !isPtr(src)) return decide(op, dst.v, src.v, jmp32);
  const constant = (reg: Reg): boolean => reg.type === R.SCALAR_VALUE && isConstAs(reg.v, jmp32);
  let [ptr, value, rel] = [dst, src, op];
  if (!constant(value)) [ptr, value, rel] = [src, dst, flip(op)];
  // the low half of a pointer may be zero
  if (jmp32 || !constant(value) || !neverNull(ptr) || !value.v.isZero) return undefined;
  return rel === I.BPF_JEQ ? false : rel === I.BPF_JNE ? true : undefined;
}

/** may_goto: both ways are possible, the number of turns is bounded at run time. */
function mayGoto(env: Env, insn: I.Insn): void {
  if (insn.code !== (I.BPF_JMP | I.BPF_JCOND) || insn.src !== 0 || insn.dst || insn.imm)
    env.fail('EINVAL', `invalid may_goto imm ${insn.imm}`);
  const idx = env.insnIdx;
  const before = previousEntry(env, env.cur.parent, idx, bucketOf(env, idx));
  const queued = env.pushState(idx + 1, idx, false);
  queued.mayGotoDepth++;
  if (before) widenImprecise(env, before, queued);
  env.insnIdx += insn.off;
}

function linkedOf(env: Env, ...regs: readonly (Reg | undefined)[]): LinkedReg[] {
  const linked: LinkedReg[] = [];
  for (const reg of regs) if (reg && reg.type === R.SCALAR_VALUE && reg.id) collectLinked(env.cur, reg.id, linked);
  return linked;
}

/** Gives both sides their narrowed ranges; pointers learn nothing here. */
function refine(env: Env, insn: I.Insn, op: number, jmp32: boolean, there: VerifierState, dst: Reg, src: Reg): void {
  const byReg = I.bpfSrc(insn.code) === I.BPF_X;
  if (isPtr(dst) || isPtr(src)) return;
  const sides = split(op, dst.v, src.v, jmp32, dst === src);
  const otherDst = there.frame.reg(insn.dst);
  const otherSrc = byReg ? there.frame.reg(insn.src) : new Reg();
  otherSrc.type = R.SCALAR_VALUE;
  const thisSrc = byReg ? src : new Reg();
  [otherDst.v, otherSrc.v] = sides.taken;
  [dst.v, thisSrc.v] = sides.fallthrough;
  checkSane(env, otherDst, 'true_reg1');
  checkSane(env, otherSrc, 'true_reg2');
  checkSane(env, dst, 'false_reg1');
  checkSane(env, thisSrc, 'false_reg2');
}

/** Equal to a pointer that is not null: not null either. */
function liftNull(
  env: Env,
  here: VerifierState,
  there: VerifierState,
  insn: I.Insn,
  op: number,
  dst: Reg,
  src: Reg,
): void {
  if (!isPtr(dst) || !isPtr(src) || R.mayBeNull(src.type) === R.mayBeNull(dst.type)) return;
  if (R.baseType(src.type) === R.PTR_TO_BTF_ID || R.baseType(dst.type) === R.PTR_TO_BTF_ID) return;
  const equal = op === I.BPF_JEQ ? there : op === I.BPF_JNE ? here : undefined;
  if (equal) markNonNull(env, equal.frame.reg(R.mayBeNull(src.type) ? insn.src : insn.dst));
}

export function checkCondJump(env: Env, insn: I.Insn): void {
  const op = I.bpfOp(insn.code);
  if (op === I.BPF_JA || op > I.BPF_JCOND) env.fail('EINVAL', `invalid BPF_JMP/JMP32 opcode ${op.toString(16)}`);
  if (op === I.BPF_JCOND) {
    mayGoto(env, insn);
    return;
  }
  const idx = env.insnIdx;
  const byReg = I.bpfSrc(insn.code) === I.BPF_X;
  const dst = readReg(env, insn.dst);
  let src: Reg;
  if (byReg) {
    if (insn.imm !== 0) env.fail('EINVAL', 'BPF_JMP/JMP32 uses reserved fields');
    src = readReg(env, insn.src);
    const packets = R.isPacketPointerOrEnd(dst.type) && R.isPacketPointerOrEnd(src.type);
    if (!packets && env.isPointerValue(src)) env.fail('EACCES', `R${insn.src} pointer comparison prohibited`);
  } else {
    if (insn.src !== 0) env.fail('EINVAL', 'BPF_JMP/JMP32 uses reserved fields');
    src = new Reg();
    src.markKnownScalar(knownImm(insn.imm));
  }
  const pointers =
    (dst.type === R.PTR_TO_STACK ? HIST_DST_STACK : 0) | (byReg && src.type === R.PTR_TO_STACK ? HIST_SRC_STACK : 0);
  if (pointers) env.pushHistory(env.cur, pointers, undefined);
  const jmp32 = I.bpfClass(insn.code) === I.BPF_JMP32;
  const way = taken(dst, src, op, jmp32);
  if (way !== undefined) {
    if (!isPtr(dst)) markChainPrecision(env, insn.dst);
    if (byReg && !isPtr(src)) markChainPrecision(env, insn.src);
    if (!env.bypassSpecV1) pushSpeculative(env, insn, way ? idx + 1 : idx + insn.off + 1);
    if (env.log.walks) env.printInsnState(env.frame);
    if (way) env.insnIdx += insn.off;
    return;
  }
  const linked = linkedOf(env, byReg ? src : undefined, dst);
  if (linked.length > 1) env.pushHistory(env.cur, 0, linked);
  const here = env.cur;
  const there = env.pushState(idx + insn.off + 1, idx, false);
  refine(env, insn, op, jmp32, there, dst, src);
  if (byReg && src.type === R.SCALAR_VALUE && src.id) {
    syncLinked(here, src, linked);
    syncLinked(there, there.frame.reg(insn.src), linked);
  }
  if (dst.type === R.SCALAR_VALUE && dst.id) {
    syncLinked(here, dst, linked);
    syncLinked(there, there.frame.reg(insn.dst), linked);
  }
  if (!jmp32 && byReg) liftNull(env, here, there, insn, op, dst, src);
  if (!jmp32 && !byReg && insn.imm === 0 && (op === I.BPF_JEQ || op === I.BPF_JNE) && R.mayBeNull(dst.type)) {
    markNullChecked(env, here, insn.dst, op === I.BPF_JNE);
    markNullChecked(env, there, insn.dst, op === I.BPF_JEQ);
  } else if (!matchPacketPointers(insn, dst, byReg ? src : undefined, here, there) && env.isPointerValue(dst)) {
    env.fail('EACCES', `R${insn.dst} pointer comparison prohibited`);
  }
  if (env.log.walks) env.printInsnState(here.frame);
}
