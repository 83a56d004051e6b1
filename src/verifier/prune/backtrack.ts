/**
 * One instruction seen backwards: from the registers and slots wanted after it to those wanted
 * before it (backtrack_insn()).
 */

import * as I from '../../isa/index.ts';
import type { Env } from '../env/env.ts';
import { callsSyncCallback } from '../prep/cfg.ts';
import { findSubprog, isPseudoCall } from '../prep/subprogs.ts';
import { HIST_DST_STACK, HIST_SRC_STACK, type HistoryEntry } from '../state/history.ts';
import { histFrame, histSpi, isStackAccess, type Wanted } from './wanted.ts';

const ARGS = 0b111110;

const bug = (env: Env, wanted: Wanted): never => env.fail('EFAULT', `BUG regs ${wanted.regMask().toString(16)}`);

/** Every call leaves R0 its own; arguments must have been found by now. */
function checkNoArgs(env: Env, wanted: Wanted): void {
  if (wanted.regMask() & ARGS) bug(env, wanted);
}

/** Backwards over the first instruction of a function: only arguments may be wanted there. */
function leaveFunction(env: Env, wanted: Wanted, passArgs: boolean): void {
  if (wanted.regMask() & ~ARGS) bug(env, wanted);
  if (wanted.hasSlots())
    env.fail('EFAULT', `BUG stack slots ${wanted.slotsHex()}${passArgs ? '' : ' (callback call)'}`);
  for (let n = 1; n <= 5; n++) {
    if (!wanted.hasReg(n)) continue;
    wanted.clearReg(n);
    if (passArgs) wanted.setReg(n, wanted.frame - 1);
  }
  if (wanted.frame === 0) env.fail('EFAULT', 'BUG subprog exit from frame 0');
  wanted.frame--;
}

/** Backwards into a function over its exit. */
function enterFunction(env: Env, after: number, wanted: Wanted): void {
  // a callback returns to its call: the call's own arguments may be wanted
  if (after < 0 || !env.auxAt(after).callsCallback) checkNoArgs(env, wanted);
  const fromCall = after - 1 >= 0 && isPseudoCall(env.insn(after - 1)) && wanted.hasReg(0);
  wanted.clearReg(0);
  if (wanted.frame >= 7) env.fail('EFAULT', 'BUG subprog enter from frame 7');
  wanted.frame++;
  if (fromCall) wanted.setReg(0);
}

function jump(
  env: Env,
  insn: I.Insn,
  idx: number,
  after: number,
  hist: HistoryEntry | undefined,
  wanted: Wanted,
): boolean {
  const op = I.bpfOp(insn.code);
  if (isPseudoCall(insn)) {
    const subprog = env.subprogs[findSubprog(env, idx + insn.imm + 1)];
    if (subprog?.isGlobal) {
      checkNoArgs(env, wanted);
      wanted.clearReg(0);
    } else leaveFunction(env, wanted, true);
    return true;
  }
  if (op === I.BPF_CALL) {
    if (callsSyncCallback(env, insn) && idx !== after - 1) {
      leaveFunction(env, wanted, false);
      return true;
    }
    if (insn.src === I.BPF_PSEUDO_KFUNC_CALL && insn.imm === 0) return false;
    wanted.clearReg(0);
    checkNoArgs(env, wanted);
  } else if (op === I.BPF_EXIT) {
    enterFunction(env, after, wanted);
  } else if (I.bpfSrc(insn.code) === I.BPF_X && (wanted.hasReg(insn.dst) || wanted.hasReg(insn.src))) {
    const flags = hist?.flags ?? 0;
    if (!(flags & HIST_DST_STACK)) wanted.setReg(insn.dst);
    if (!(flags & HIST_SRC_STACK)) wanted.setReg(insn.src);
  }
  return true;
}

function alu(insn: I.Insn, wanted: Wanted): void {
  const op = I.bpfOp(insn.code);
  if (!wanted.hasReg(insn.dst) || op === I.BPF_END || op === I.BPF_NEG) return;
  const fromReg = I.bpfSrc(insn.code) === I.BPF_X;
  if (op === I.BPF_MOV) wanted.clearReg(insn.dst);
  if (fromReg && insn.src !== I.BPF_REG_FP) wanted.setReg(insn.src);
}

function load(reg: number, hist: HistoryEntry | undefined, wanted: Wanted): void {
  if (!wanted.hasReg(reg)) return;
  wanted.clearReg(reg);
  if (isStackAccess(hist)) wanted.setSlot(histSpi(hist.flags), histFrame(hist.flags));
}

/** False where the search must give up and everything be marked. */
function step(
  env: Env,
  insn: I.Insn,
  idx: number,
  after: number,
  hist: HistoryEntry | undefined,
  wanted: Wanted,
): boolean {
  const cls = I.bpfClass(insn.code);
  switch (cls) {
    case I.BPF_ALU:
    case I.BPF_ALU64:
      alu(insn, wanted);
      return true;
    case I.BPF_LDX:
      load(insn.dst, hist, wanted);
      return true;
    case I.BPF_ST:
    case I.BPF_STX: {
      if (cls === I.BPF_STX && I.bpfMode(insn.code) === I.BPF_ATOMIC && insn.imm & I.BPF_FETCH) {
        load(insn.imm === I.BPF_CMPXCHG ? 0 : insn.src, hist, wanted);
        return true;
      }
      // a scalar as the address: the pointer was made by subtracting pointers
      if (wanted.hasReg(insn.dst)) return false;
      if (!isStackAccess(hist)) return true;
      const spi = histSpi(hist.flags);
      const frame = histFrame(hist.flags);
      if (!wanted.hasSlot(spi, frame)) return true;
      wanted.clearSlot(spi, frame);
      if (cls === I.BPF_STX) wanted.setReg(insn.src);
      return true;
    }
    case I.BPF_JMP:
    case I.BPF_JMP32:
      return jump(env, insn, idx, after, hist, wanted);
    default: {
      if (!wanted.hasReg(insn.dst)) return true;
      wanted.clearReg(insn.dst);
      const mode = I.bpfMode(insn.code);
      return mode !== I.BPF_IND && mode !== I.BPF_ABS;
    }
  }
}

/** `mark_precise: frame0: regs=r6 stack= before 5: ...`: loops ask for the same line of an instruction again and again. */
function lineBefore(env: Env, idx: number, wanted: Wanted): string {
  const { frame } = wanted;
  const regs = wanted.regMask();
  const slots = wanted.hasSlots();
  const known = env.searchLines[idx];
  if (!slots && known !== undefined && known.frame === frame && known.regs === regs) return known.text;
  const text = `mark_precise: frame${frame}: regs=${wanted.regsText()} stack=${wanted.slotsText()} before ${idx}: ${env.insnText(idx)}\n`;
  if (!slots) env.searchLines[idx] = { frame, regs, text };
  return text;
}

/** @param after the instruction that ran next, -1 for none */
export function backtrackInsn(
  env: Env,
  idx: number,
  after: number,
  hist: HistoryEntry | undefined,
  wanted: Wanted,
): boolean {
  const insn = env.insn(idx);
  if (insn.code === 0) return true;
  if (env.log.everyInsn) env.log.write(lineBefore(env, idx, wanted));
  wanted.syncLinked(hist);
  if (!step(env, insn, idx, after, hist, wanted)) return false;
  wanted.syncLinked(hist);
  return true;
}
