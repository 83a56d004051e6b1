/** Saved states at prune points: search for one that covers the current, save it otherwise (is_state_visited()). */

import { isIterNext } from '../calls/kfunc/table.ts';
import { COMPLEXITY_LIMIT_STATES, type Env } from '../env/env.ts';
import { isMayGoto } from '../prep/cfg.ts';
import { isKfuncCall } from '../prep/subprogs.ts';
import { NO_HISTORY } from '../state/history.ts';
import { ITER_ACTIVE, LIVE_DONE, LIVE_NONE, LIVE_READ, LIVE_READ64, type Reg } from '../state/reg.ts';
import { STACK_INVALID, spiOf } from '../state/stack.ts';
import type { FuncState, VerifierState } from '../state/state.ts';
import { EXACT, NOT_EXACT, RANGE_WITHIN, statesEqual } from './equal.ts';
import type { StateList } from './list.ts';
import { bucketOf } from './list.ts';
import { markRead, markZext } from './liveness.ts';
import { iterDepthsDiffer, loopEntryOf, maybeLooping, sameCallsites, updateLoopEntry } from './loops.ts';
import { forgetPrecision, propagatePrecision } from './precision.ts';

const FP = 10;
const R6 = 6;
const MAX_HISTORY = 40;

/** A complete state keeps only what was read of it. */
function cleanFrame(frame: FuncState): void {
  const regs: number[] = [];
  const slots: number[] = [];
  for (let n = 0; n < FP; n++) {
    const reg = frame.reg(n);
    const { live } = reg;
    reg.live |= LIVE_DONE;
    if (live & LIVE_READ) regs.push(n);
    else reg.clear();
  }
  for (let spi = 0; spi < frame.stack.length; spi++) {
    const slot = frame.slot(spi);
    const { live } = slot.reg;
    slot.reg.live |= LIVE_DONE;
    if (live & LIVE_READ) {
      slots.push(spi);
      continue;
    }
    slot.reg.clear();
    slot.fill(STACK_INVALID);
  }
  // the frame pointer is never read as a value
  if (frame.reg(FP).live & LIVE_READ) regs.push(FP);
  frame.read = { regs, slots };
}

function cleanStates(env: Env, insnIdx: number, cur: VerifierState): void {
  for (let sl = env.explored[bucketOf(env, insnIdx)]; sl; sl = sl.next) {
    if (sl.cleaned) continue;
    const { state } = sl;
    if (state.branches || state.insnIdx !== insnIdx || !sameCallsites(state, cur)) continue;
    // a loop that is still walked compares exactly, and so needs what was not read, too
    if (loopEntryOf(state)?.branches) continue;
    sl.cleaned = true;
    state.frames.forEach(cleanFrame);
  }
}

/** Reads of the covering state's future are reads of the current one. Returns the kind of read that was new. */
function propagateRead(env: Env, from: Reg, to: Reg): number {
  const had = to.live & LIVE_READ;
  const flag = from.live & LIVE_READ;
  if (had === LIVE_READ64 || !flag || had === flag) return 0;
  markRead(env, from, to, flag);
  return flag;
}

function propagateLiveness(env: Env, old: VerifierState, cur: VerifierState): void {
  for (let f = 0; f <= old.curframe; f++) {
    const from = old.frameAt(f);
    const to = cur.frameAt(f);
    for (let n = f < old.curframe ? R6 : 0; n < FP; n++) {
      if (propagateRead(env, from.reg(n), to.reg(n)) === LIVE_READ64) markZext(env, to.reg(n));
    }
    const slots = Math.min(from.stack.length, to.stack.length);
    for (let spi = 0; spi < slots; spi++) propagateRead(env, from.slot(spi).reg, to.slot(spi).reg);
  }
}

type Match = 'hit' | 'miss' | 'looping';

/** Compares with a state whose own paths are still being explored: the current path came through it. */
function matchOpen(env: Env, insnIdx: number, old: VerifierState, cur: VerifierState): Match {
  const frame = old.frame;
  if (frame.inAsyncCallback && frame.asyncEntryCnt !== cur.frame.asyncEntryCnt) return 'looping';
  const insn = env.insn(insnIdx);
  if (isKfuncCall(insn) && isIterNext(env, insn)) {
    if (statesEqual(env, old, cur, RANGE_WITHIN)) {
      const iter = cur.frame.reg(1);
      const slot = env.cur.stackFrame(iter).slot(spiOf(iter.off + iter.v.sminNumber));
      if (slot.reg.iterState === ITER_ACTIVE) {
        updateLoopEntry(cur, old);
        return 'hit';
      }
    }
    return 'looping';
  }
  if (isMayGoto(insn) && old.mayGotoDepth !== cur.mayGotoDepth && statesEqual(env, old, cur, RANGE_WITHIN)) {
    updateLoopEntry(cur, old);
    return 'hit';
  }
  if (env.auxAt(insnIdx).callsCallback) return statesEqual(env, old, cur, RANGE_WITHIN) ? 'hit' : 'looping';
  if (
    maybeLooping(old, cur) &&
    statesEqual(env, old, cur, EXACT) &&
    !iterDepthsDiffer(old, cur) &&
    old.mayGotoDepth === cur.mayGotoDepth &&
    old.callbackUnrollDepth === cur.callbackUnrollDepth
  ) {
    env.log.write(env.source.text(insnIdx));
    env.say(`infinite loop detected at insn ${insnIdx}`);
    env.log.write('cur state:');
    env.printState(cur.frame, true);
    env.log.write('old state:');
    env.printState(old.frameAt(cur.curframe), true);
    env.quit('EINVAL');
  }
  return 'looping';
}

function matchClosed(env: Env, old: VerifierState, cur: VerifierState): Match {
  const entry = loopEntryOf(old);
  const inLoop = entry !== undefined && entry.branches > 0;
  if (!statesEqual(env, old, cur, inLoop ? RANGE_WITHIN : NOT_EXACT)) return 'miss';
  if (inLoop) updateLoopEntry(cur, entry);
  return 'hit';
}

/** Whether the current state is covered by a saved one, so that this path ends. Saves it where it is worth it. */
export function isVisited(env: Env, insnIdx: number): boolean {
  const { cur } = env;
  const aux = env.auxAt(insnIdx);
  const force = env.testStateFreq || aux.forceCheckpoint || cur.history.count > MAX_HISTORY;
  const jumps = env.jmpsProcessed - env.prevJmpsProcessed;
  const insns = env.insnProcessed - env.prevInsnProcessed;
  let save = force || (jumps >= 2 && insns >= 8);
  cleanStates(env, insnIdx, cur);

  const bucket = bucketOf(env, insnIdx);
  let count = 0;
  let before: StateList | undefined;
  for (let sl = env.explored[bucket]; sl; sl = sl.next) {
    count++;
    const old = sl.state;
    if (old.insnIdx !== insnIdx) {
      before = sl;
      continue;
    }
    const match = old.branches ? matchOpen(env, insnIdx, old, cur) : matchClosed(env, old, cur);
    if (match === 'hit') {
      sl.hits++;
      propagateLiveness(env, old, cur);
      if (env.auxAt(env.insnIdx).jmpPoint) env.pushHistory(cur, 0, undefined);
      propagatePrecision(env, old);
      return true;
    }
    // states of one loop differ from turn to turn: few of them are worth keeping
    if (match === 'looping' && !force && jumps < 20 && insns < 100) save = false;
    if (save) sl.misses++;
    const patience = aux.forceCheckpoint && old.branches > 0 ? 64 : 3;
    if (sl.misses > sl.hits * patience + patience) {
      if (before) before.next = sl.next;
      else env.explored[bucket] = sl.next;
      if (old.frameAt(0).reg(0).live & LIVE_DONE && !old.usedAsLoopEntry) env.peakStates--;
    } else {
      before = sl;
    }
  }
  if (count > env.maxStatesPerInsn) env.maxStatesPerInsn = count;
  if (!env.bpfCapable && count > COMPLEXITY_LIMIT_STATES) return false;
  if (save) saveState(env, insnIdx, bucket);
  return false;
}

function saveState(env: Env, insnIdx: number, bucket: number): void {
  const { cur } = env;
  env.totalStates++;
  env.peakStates++;
  env.prevJmpsProcessed = env.jmpsProcessed;
  env.prevInsnProcessed = env.insnProcessed;
  if (env.bpfCapable) forgetPrecision(cur);
  const saved = cur.clone();
  saved.insnIdx = insnIdx;
  cur.parent = saved;
  cur.firstInsnIdx = insnIdx;
  cur.dfsDepth = saved.dfsDepth + 1;
  cur.history = NO_HISTORY;
  env.explored[bucket] = { state: saved, next: env.explored[bucket], cleaned: false, misses: 0, hits: 0 };
  for (let f = 0; f <= cur.curframe; f++) {
    const frame = cur.frameAt(f);
    const old = saved.frameAt(f);
    // of callers' registers only the callee-saved ones live on
    for (let n = f < cur.curframe ? R6 : 0; n < FP; n++) frame.reg(n).parent = old.reg(n);
    for (let n = 0; n < FP; n++) frame.reg(n).live = LIVE_NONE;
    for (let spi = 0; spi < frame.stack.length; spi++) {
      const { reg } = frame.slot(spi);
      reg.live = LIVE_NONE;
      reg.parent = old.slot(spi).reg;
    }
  }
}
