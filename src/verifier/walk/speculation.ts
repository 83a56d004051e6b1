/**
 * What a processor may run ahead of a check: for loaders without CAP_PERFMON on a kernel that
 * mitigates Spectre v1, pointer arithmetic gets a mask whose limit must be the same on every path,
 * and ways that a branch does not go are walked too (sanitize_ptr_alu(), sanitize_speculative_path()).
 */
import * as I from '../../isa/index.ts';
import { checkMapAccess } from '../access/map.ts';
import { unbound32 } from '../domain/bounds.ts';
import type { Env } from '../env/env.ts';
import { Reject } from '../env/reject.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { MAX_BPF_STACK } from '../state/stack.ts';
import type { VerifierState } from '../state/state.ts';
import {
  ALU_IMMEDIATE,
  ALU_NEG_VALUE,
  ALU_NON_POINTER,
  ALU_SANITIZE_DST,
  ALU_SANITIZE_SRC,
  type AluSanitation,
} from '../types.ts';

const isSanitized = (op: number): boolean => op === I.BPF_ADD || op === I.BPF_SUB;

/** Arithmetic with an immediate needs no mask: what it adds is certain. */
const needsNone = (env: Env, insn: I.Insn): boolean =>
  env.bypassSpecV1 || I.bpfSrc(insn.code) === I.BPF_K || !isSanitized(I.bpfOp(insn.code));

const FORBIDDEN = 'pointer arithmetic with it prohibited for !root';
const opText = (insn: I.Insn): string => (I.bpfOp(insn.code) === I.BPF_ADD ? 'add' : 'sub');

/** One instruction has one mask: paths that need different ones cannot be served. */
function agree(env: Env, insn: I.Insn, held: AluSanitation, state: number, limit: number): void {
  if (held.aluState && (held.aluState !== state || held.aluLimit !== limit))
    env.fail('EACCES', `R${insn.dst} tried to ${opText(insn)} from different maps, paths or scalars, ${FORBIDDEN}`);
  held.aluState = state;
  held.aluLimit = limit;
}

/** Two scalars: the instruction must not be one of pointers on another path. */
export function sanitizeScalars(env: Env, insn: I.Insn): void {
  if (!needsNone(env, insn)) agree(env, insn, env.auxAt(env.insnIdx), ALU_NON_POINTER, 0);
}

/** `sanitize_speculative_path`: the way that is not gone, with operands of which nothing is known. */
export function pushSpeculative(env: Env, insn: I.Insn, next: number): VerifierState {
  const state = env.pushState(next, env.insnIdx, true);
  env.markUnknown(state.frame.reg(insn.dst));
  if (I.bpfSrc(insn.code) === I.BPF_X) env.markUnknown(state.frame.reg(insn.src));
  return state;
}

/** `retrieve_ptr_limit`: how far the pointer may move before it leaves what it points into, u32. */
function pointerLimit(env: Env, insn: I.Insn, ptr: Reg, toLeft: boolean): number {
  let max: number;
  let limit: number;
  if (ptr.type === R.PTR_TO_STACK) {
    max = MAX_BPF_STACK + (toLeft ? 1 : 0);
    limit = Number(BigInt.asUintN(32, -(ptr.v.tnum.value + BigInt(ptr.off))));
  } else if (ptr.type === R.PTR_TO_MAP_VALUE && ptr.map) {
    max = ptr.map.valueSize;
    limit = Number(BigInt.asUintN(32, (toLeft ? ptr.v.smin : ptr.v.umax) + BigInt(ptr.off)));
  } else {
    // Linux names the register that is written, even where the pointer is the other one
    return env.fail('EACCES', `R${insn.dst} has pointer with unsupported alu operation, ${FORBIDDEN}`);
  }
  if (limit >= max) env.fail('EACCES', `R${insn.dst} tried to ${opText(insn)} beyond pointer bounds, ${FORBIDDEN}`);
  return limit;
}

/** What the first look at a pointer's move leaves to the second. */
export interface MoveWindow extends AluSanitation {
  toLeft: boolean;
}

/** Before the pointer moves: which side its mask is on, how far that is; and the path on which the mask makes the offset zero. */
export function sanitizeMove(env: Env, insn: I.Insn, ptr: Reg, off: Reg, dst: Reg): MoveWindow {
  const window: MoveWindow = { toLeft: false };
  if (needsNone(env, insn)) return window;
  const immediate = off.v.isConst;
  const negative = off.v.smin < 0n;
  const scalarIsDst = off === dst;
  if (!env.cur.speculative) {
    if (!immediate && negative !== off.v.smax < 0n) {
      // Linux names the source, also where that is the pointer
      env.fail('EACCES', `R${insn.src} has unknown scalar with mixed signed bounds, ${FORBIDDEN}`);
    }
    window.toLeft = (I.bpfOp(insn.code) === I.BPF_ADD) === negative;
    const limit = pointerLimit(env, insn, ptr, window.toLeft);
    const state =
      (negative ? ALU_NEG_VALUE : 0) |
      (immediate ? ALU_IMMEDIATE : 0) |
      (scalarIsDst ? ALU_SANITIZE_DST : ALU_SANITIZE_SRC);
    // other paths may have other limits: no state stands for another until that is known
    if (!immediate) env.exploreAluLimits = true;
    agree(env, insn, window, state, limit);
  }
  if (immediate) return window;
  const saved = scalarIsDst ? dst.clone() : undefined;
  // as where the pointer is moved: a copy with its liveness links
  if (saved) dst.assign(ptr);
  const truncated = env.pushState(env.insnIdx + 1, env.insnIdx, true);
  if (saved) dst.assign(saved);
  else {
    const moved = truncated.frame.reg(insn.dst);
    moved.v = moved.v.copy();
    unbound32(moved.v);
  }
  return window;
}

/** After it moved: the window shrinks to what the pointer really moved. */
export function commitMove(env: Env, insn: I.Insn, window: MoveWindow, dst: Reg): void {
  if (needsNone(env, insn) || env.cur.speculative) return;
  const limit = pointerLimit(env, insn, dst, window.toLeft);
  const moved = Math.abs(((window.aluLimit ?? 0) - limit) | 0);
  agree(env, insn, env.auxAt(env.insnIdx), window.aluState ?? 0, moved);
}

function checkStackMove(env: Env, insn: I.Insn, dst: Reg): void {
  if (!dst.v.isConst)
    env.fail(
      'EACCES',
      `R${insn.dst} variable stack access prohibited for !root, var_off=${dst.varOff} off=${stackOff(dst)}`,
    );
  const off = stackOff(dst);
  if (off >= 0 || off < -MAX_BPF_STACK)
    env.fail('EACCES', `R${insn.dst} stack pointer arithmetic goes out of range, prohibited for !root; off=${off}`);
}
const stackOff = (reg: Reg): number => Number(BigInt.asIntN(32, BigInt(reg.off) + reg.v.tnum.value));

/** `sanitize_check_bounds`: a pointer must stay inside, or no mask could keep its accesses there. */
export function checkMovedBounds(env: Env, insn: I.Insn, dst: Reg): void {
  if (env.bypassSpecV1) return;
  if (dst.type === R.PTR_TO_STACK) checkStackMove(env, insn, dst);
  if (dst.type !== R.PTR_TO_MAP_VALUE) return;
  try {
    checkMapAccess(env, dst, insn.dst, dst.off, 1, false, false);
  } catch (e) {
    if (!(e instanceof Reject)) throw e;
    env.fail('EACCES', `R${insn.dst} pointer arithmetic of map value goes out of range, prohibited for !root`);
  }
}
