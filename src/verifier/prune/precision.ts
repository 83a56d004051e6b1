/**
 * Precision tracking: where a decision depended on a scalar's exact value, the registers and slots
 * that made it are marked precise in all states that led here (__mark_chain_precision()).
 * Only precise scalars must agree when states are compared.
 */

import type { Env } from '../env/env.ts';
import type { Reg } from '../state/reg.ts';
import { LIVE_READ } from '../state/reg.ts';
import { SCALAR_VALUE } from '../state/regtype.ts';
import { SLOT_SIZE } from '../state/stack.ts';
import { type FuncState, MAIN_FUNC, type VerifierState } from '../state/state.ts';
import { backtrackInsn } from './backtrack.ts';
import type { Wanted } from './wanted.ts';

const ARGS = 0b111110;
const FP = 10;

/** Calls `fn` for the scalars of a frame: registers but the frame pointer by number, spilled ones by slot from {@link SLOTS} on. */
function forEachScalar(frame: FuncState, fn: (reg: Reg, place: number) => void): void {
  for (let n = 0; n < FP; n++) {
    const reg = frame.reg(n);
    if (reg.type === SCALAR_VALUE) fn(reg, n);
  }
  for (let spi = 0; spi < frame.stack.length; spi++) {
    const slot = frame.slot(spi);
    if (slot.isSpilled && slot.reg.type === SCALAR_VALUE) fn(slot.reg, SLOTS + spi);
  }
}
const SLOTS = 16;
const placeText = (place: number): string => (place < SLOTS ? `r${place}` : `fp${-(place - SLOTS + 1) * SLOT_SIZE}`);

const forget = (reg: Reg): void => {
  reg.precise = false;
};

function forceAllPrecise(env: Env): void {
  const speak = env.log.everyInsn;
  if (speak) env.say(`mark_precise: frame${env.cur.curframe}: falling back to forcing all scalars precise`);
  for (let st = env.cur.parent; st; st = st.parent) {
    st.frames.forEach((frame, n) => {
      forEachScalar(frame, (reg, place) => {
        if (reg.precise) return;
        reg.precise = true;
        if (speak) env.say(`force_precise: frame${n}: forcing ${placeText(place)} to be precise`);
      });
    });
  }
}

/** A saved state starts without the marks that its path inherited. */
export function forgetPrecision(st: VerifierState): void {
  for (let f = 0; f < st.frames.length; f++) forEachScalar(st.frameAt(f), forget);
}

/** Marks what is wanted in a saved state; what already was precise, or is no scalar, needs no more search. */
function markInState(env: Env, st: VerifierState, wanted: Wanted): void {
  for (let f = wanted.frame; f >= 0; f--) {
    const frame = st.frameAt(f);
    for (let n = 0; n < FP && wanted.regMask(f) !== 0; n++) {
      if (!wanted.hasReg(n, f)) continue;
      const reg = frame.reg(n);
      if (reg.type !== SCALAR_VALUE || reg.precise) wanted.clearReg(n, f);
      else reg.precise = true;
    }
    for (let spi = 0; spi < 64 && wanted.hasSlots(f); spi++) {
      if (!wanted.hasSlot(spi, f)) continue;
      const slot = frame.stack[spi];
      if (!slot) env.fail('EFAULT', `BUG backtracking (stack slot ${spi}, total slots ${frame.stack.length})`);
      if (!slot.isSpilled || slot.reg.type !== SCALAR_VALUE || slot.reg.precise) wanted.clearSlot(spi, f);
      else slot.reg.precise = true;
    }
    if (env.log.everyInsn) {
      env.log.write(`mark_precise: frame${f}: parent state regs=${wanted.regsText(f)} stack=${wanted.slotsText(f)}: `);
      env.printState(frame, true);
    }
  }
}

/** At the entry of a global function only its arguments can still be wanted. */
function atFunctionEntry(env: Env, st: VerifierState, wanted: Wanted): void {
  const frame = st.frameAt(0);
  const global = st.curframe === 0 && frame.subprogno > 0 && frame.callsite === MAIN_FUNC;
  if (!global || wanted.hasSlots() || (wanted.regMask() & ~ARGS) !== 0) {
    env.fail(
      'EFAULT',
      `BUG backtracking func entry subprog ${frame.subprogno} reg_mask ${wanted.regMask().toString(16)} stack_mask ${wanted.slotsHex()}`,
    );
  }
  for (let n = 1; n <= 5; n++) {
    if (!wanted.hasReg(n)) continue;
    wanted.clearReg(n);
    if (frame.reg(n).type === SCALAR_VALUE) frame.reg(n).precise = true;
  }
}

function track(env: Env, wanted: Wanted): void {
  let st: VerifierState = env.cur;
  let first = st.firstInsnIdx;
  let last = env.insnIdx;
  let after = -1;
  let skip = true;
  if (wanted.empty) return;
  for (;;) {
    let count = st.history.count;
    if (env.log.everyInsn)
      env.say(`mark_precise: frame${wanted.frame}: last_idx ${last} first_idx ${first} subseq_idx ${after} `);
    if (last < 0) {
      atFunctionEntry(env, st, wanted);
      return;
    }
    for (let idx = last; ; ) {
      const entry = count > 0 ? st.history.entries[count - 1] : undefined;
      const here = entry?.idx === idx ? entry : undefined;
      if (skip) skip = false;
      else if (!backtrackInsn(env, idx, after, here, wanted)) {
        forceAllPrecise(env);
        wanted.reset();
        return;
      }
      if (wanted.empty) return;
      after = idx;
      if (idx === st.firstInsnIdx && (count === 0 || (count === 1 && here))) break;
      if (here) {
        idx = here.prevIdx;
        count--;
      } else idx--;
      if (idx < 0 || idx >= env.insns.length) env.fail('EFAULT', `BUG backtracking idx ${idx}`);
    }
    if (!st.parent) break;
    st = st.parent;
    markInState(env, st, wanted);
    if (wanted.empty) return;
    after = first;
    last = st.lastInsnIdx;
    first = st.firstInsnIdx;
  }
  forceAllPrecise(env);
  wanted.reset();
}

/** Nothing wanted yet. One search ends before the next begins, so there is one object for all. */
function startSearch(env: Env): Wanted {
  const { wanted } = env;
  wanted.reset();
  wanted.frame = env.cur.curframe;
  return wanted;
}

/** The current instruction depends on the exact value of scalar register `n`. */
export function markChainPrecision(env: Env, n: number): void {
  if (!env.bpfCapable) return;
  const wanted = startSearch(env);
  if (env.reg(n).type !== SCALAR_VALUE) env.fail('EFAULT', `BUG precision of R${n}, which is not a scalar`);
  wanted.setReg(n);
  track(env, wanted);
}

const wants = (reg: Reg): boolean => reg.type === SCALAR_VALUE && reg.precise && (reg.live & LIVE_READ) !== 0;

function placesText(wanted: Wanted, frame: number): string {
  const names: string[] = [];
  for (let n = 0; n < FP; n++) if (wanted.hasReg(n, frame)) names.push(placeText(n));
  for (let spi = 0; spi < 64; spi++) if (wanted.hasSlot(spi, frame)) names.push(placeText(SLOTS + spi));
  return names.join(',');
}

/** The current state equals `old`: what `old` found to matter matters here too (propagate_precision()). */
export function propagatePrecision(env: Env, old: VerifierState): void {
  const wanted = startSearch(env);
  for (let f = old.curframe; f >= 0; f--) {
    const frame = old.frameAt(f);
    for (let n = 0; n < FP; n++) if (wants(frame.reg(n))) wanted.setReg(n, f);
    for (let spi = 0; spi < frame.stack.length; spi++) {
      const slot = frame.slot(spi);
      if (slot.isSpilled && wants(slot.reg)) wanted.setSlot(spi, f);
    }
    if (wanted.regMask(f) === 0 && !wanted.hasSlots(f)) continue;
    if (env.log.everyInsn) env.say(`frame ${f}: propagating ${placesText(wanted, f)}`);
    else env.log.write('\n');
  }
  if (env.bpfCapable) track(env, wanted);
}
