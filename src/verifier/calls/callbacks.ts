/** Helpers that call back: the callback is walked as a function of its own (push_callback_call()). */

import type { Insn } from '../../isa/index.ts';
import type { Subprog } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { MAP } from '../kinds.ts';
import { callsAsyncCallback } from '../prep/cfg.ts';
import { markChainPrecision } from '../prune/precision.ts';
import { setDynptr } from '../state/dynptr.ts';
import { DYNPTR_LOCAL, type Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { MAIN_FUNC, VerifierState } from '../state/state.ts';
import { enterFunction, newFrame, type Setup } from './func.ts';
import { checkSubprogArgs } from './funcargs.ts';
import type { CallMeta } from './meta.ts';

const clear = (callee: { reg(n: number): Reg }, ...regs: number[]): void => {
  for (const n of regs) callee.reg(n).clear();
};

function setMapReg(reg: Reg, type: number, map: MapFacts | undefined): void {
  reg.markKnown(0n);
  reg.type = type;
  reg.map = map;
}

/** `push_callback_call` */
export function pushCallback(env: Env, insn: Insn, subprogno: number, setup: Setup, sleepable = false): void {
  const { frame: caller, insnIdx } = env;
  const subprog = env.subprogs[subprogno] as Subprog;
  if (checkSubprogArgs(env, subprogno) === 'EFAULT') env.quit('EFAULT');
  subprog.isCallback = true;
  if (callsAsyncCallback(env, insn)) {
    // runs some time later, on a stack of its own
    subprog.isAsyncCallback = true;
    const state = new VerifierState();
    state.branches = 1;
    state.inSleepable = sleepable;
    const frame = newFrame(env, MAIN_FUNC, 0, subprogno);
    state.frames = [frame];
    env.pushFresh(state, subprog.start, insnIdx);
    frame.asyncEntryCnt = caller.asyncEntryCnt + 1;
    setup(env, caller, frame);
    return;
  }
  const state = env.pushState(subprog.start, insnIdx, false);
  enterFunction(env, state, subprogno, insnIdx, setup);
  state.callbackUnrollDepth++;
  state.frameAt(state.curframe - 1).callbackDepth++;
  caller.callbackDepth = 0;
}

const iterable: readonly number[] = [
  MAP.ARRAY,
  MAP.PERCPU_ARRAY,
  MAP.HASH,
  MAP.PERCPU_HASH,
  MAP.LRU_HASH,
  MAP.LRU_PERCPU_HASH,
];

export function callForEach(env: Env, insn: Insn, meta: CallMeta): void {
  pushCallback(env, insn, meta.subprog, (_env, caller, callee) => {
    const map = caller.reg(1).map;
    if (!map || !iterable.includes(map.type)) env.fail('ENOTSUPP', 'callback function not allowed for map');
    callee.reg(1).assign(caller.reg(1));
    setMapReg(callee.reg(2), R.PTR_TO_MAP_KEY, map);
    setMapReg(callee.reg(3), R.PTR_TO_MAP_VALUE, map);
    callee.reg(4).assign(caller.reg(3));
    clear(callee, 5);
    callee.inCallback = true;
    callee.callbackRet = [0, 1];
  });
}

/** The arguments of a callback that gets a map, a key and a value, later. */
export const setupTimer: Setup = (_env, caller, callee) => {
  const { map } = caller.reg(1);
  setMapReg(callee.reg(1), R.CONST_PTR_TO_MAP, map);
  setMapReg(callee.reg(2), R.PTR_TO_MAP_KEY, map);
  setMapReg(callee.reg(3), R.PTR_TO_MAP_VALUE, map);
  clear(callee, 4, 5);
  callee.inAsyncCallback = true;
  callee.callbackRet = [0, 1];
};

export function callTimer(env: Env, insn: Insn, meta: CallMeta): void {
  pushCallback(env, insn, meta.subprog, setupTimer);
}

export function callFindVma(env: Env, insn: Insn, meta: CallMeta): void {
  pushCallback(env, insn, meta.subprog, (_env, caller, callee) => {
    callee.reg(1).assign(caller.reg(1));
    const vma = callee.reg(2);
    vma.markKnown(0n);
    vma.type = R.PTR_TO_BTF_ID;
    vma.btf = env.kernel.vmlinux;
    vma.btfId = env.kernel.vmlinux?.findByName('vm_area_struct', 'struct') ?? 0;
    callee.reg(3).assign(caller.reg(4));
    clear(callee, 4, 5);
    callee.inCallback = true;
    callee.callbackRet = [0, 1];
  });
}

export function callUserRingbuf(env: Env, insn: Insn, meta: CallMeta): void {
  pushCallback(env, insn, meta.subprog, (_env, caller, callee) => {
    clear(callee, 0);
    setDynptr(callee.reg(1), DYNPTR_LOCAL, true, ++env.idGen);
    callee.reg(2).assign(caller.reg(3));
    clear(callee, 3, 4, 5);
    callee.inCallback = true;
    callee.callbackRet = [0, 1];
  });
}

/** Whether this call can be replaced by a loop: one callback, flags zero on every path. */
function updateInline(env: Env, subprog: number): void {
  const aux = env.auxAt(env.insnIdx);
  const zeroFlags = (): boolean => {
    const isNull = env.reg(4).isNull;
    if (isNull) markChainPrecision(env, 4);
    return isNull;
  };
  if (!aux.loopState) aux.loopState = { initialized: true, fits: zeroFlags(), callbackSubprog: subprog };
  else if (aux.loopState.fits) aux.loopState.fits = zeroFlags() && aux.loopState.callbackSubprog === subprog;
}

export function callLoop(env: Env, insn: Insn, meta: CallMeta): void {
  updateInline(env, meta.subprog);
  markChainPrecision(env, 1);
  const { frame } = env;
  if (BigInt(frame.callbackDepth) >= env.reg(1).v.umax) {
    frame.callbackDepth = 0;
    if (env.log.everyInsn) env.say(`frame${env.cur.curframe} bpf_loop iteration limit reached`);
    return;
  }
  pushCallback(env, insn, meta.subprog, (_env, caller, callee) => {
    const index = callee.reg(1);
    index.type = R.SCALAR_VALUE;
    callee.reg(2).assign(caller.reg(3));
    clear(callee, 3, 4, 5);
    callee.inCallback = true;
    callee.callbackRet = [0, 1];
  });
}
