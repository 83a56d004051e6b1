/** Calls between the program's own functions (check_func_call(), prepare_func_exit()). */

import type { Insn } from '../../isa/index.ts';
import { clearPacketPointers } from '../access/packet.ts';
import type { Subprog } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import { findSubprog } from '../prep/subprogs.ts';
import { bucketOf } from '../prune/list.ts';
import { clearCallerSaved, markRead } from '../prune/liveness.ts';
import { previousEntry, widenImprecise } from '../prune/loops.ts';
import { markChainPrecision } from '../prune/precision.ts';
import { DEF_NOT_SUBREG, LIVE_READ64 } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { FuncState, MAX_CALL_FRAMES, type VerifierState } from '../state/state.ts';
import { invalidScalar, rangeWithin } from '../walk/retval.ts';
import { checkSubprogArgs } from './funcargs.ts';

/** Fills a callee's registers from its caller's. */
export type Setup = (env: Env, caller: FuncState, callee: FuncState) => void;

/** `init_func_state`: nothing but the frame pointer is readable. */
export function newFrame(env: Env, callsite: number, frameno: number, subprog: number): FuncState {
  const frame = new FuncState(callsite, frameno, subprog);
  for (const reg of frame.regs) reg.clear();
  const fp = frame.reg(10);
  fp.markKnown(0n);
  fp.type = R.PTR_TO_STACK;
  fp.frameno = frameno;
  env.scratchAll();
  return frame;
}

/** `setup_func_entry` */
export function enterFunction(env: Env, state: VerifierState, subprog: number, callsite: number, setup: Setup): void {
  const depth = state.curframe + 1;
  if (depth >= MAX_CALL_FRAMES) env.fail('E2BIG', `the call stack of ${depth + 1} frames is too deep`);
  const caller = state.frame;
  const callee = newFrame(env, callsite, depth, subprog);
  callee.refs = caller.refs.slice();
  state.frames[depth] = callee;
  setup(env, caller, callee);
  state.curframe = depth;
}

const passArgs: Setup = (_env, caller, callee) => {
  for (let n = 1; n <= 5; n++) callee.reg(n).assign(caller.reg(n));
};

function callGlobal(env: Env, subprog: Subprog, n: number, errno: string | undefined): void {
  if (env.cur.activeLock.owner)
    env.fail('EINVAL', 'global function calls are not allowed while holding a lock,\nuse static function instead');
  if (env.cur.activePreemptLock)
    env.fail('EINVAL', 'global function calls are not allowed with preemption disabled,\nuse static function instead');
  if (errno) env.fail(errno, `Caller passes invalid args into func#${n} ('${subprog.name}')`);
  env.say(`Func#${n} ('${subprog.name}') is global and assumed valid.`);
  if (subprog.changesPktData) clearPacketPointers(env);
  subprog.called = true;
  clearCallerSaved(env);
  const r0 = env.reg(0);
  env.markUnknown(r0);
  r0.subregDef = DEF_NOT_SUBREG;
}

export function checkFuncCall(env: Env, insn: Insn): void {
  const target = env.insnIdx + insn.imm + 1;
  const n = findSubprog(env, target);
  const subprog = env.subprogs[n];
  if (!subprog) env.fail('EFAULT', `verifier bug. No program starts at insn ${target}`);
  const errno = checkSubprogArgs(env, n);
  if (errno === 'EFAULT') env.quit('EFAULT');
  if (subprog.isGlobal) {
    callGlobal(env, subprog, n, errno);
    return;
  }
  const caller = env.frame;
  enterFunction(env, env.cur, n, env.insnIdx, passArgs);
  // the caller's own registers are lost, seen from its frame
  const callee = env.cur.curframe;
  env.cur.curframe = callee - 1;
  clearCallerSaved(env);
  env.cur.curframe = callee;
  env.insnIdx = subprog.start - 1;
  if (!env.log.walks) return;
  env.say('caller:');
  env.printState(caller, true);
  env.say('callee:');
  env.printState(env.frame, true);
}

/** `prepare_func_exit` */
export function leaveFunction(env: Env): void {
  const state = env.cur;
  const callee = state.frame;
  const caller = state.frameAt(state.curframe - 1);
  const r0 = callee.reg(0);
  if (r0.type === R.PTR_TO_STACK) env.fail('EINVAL', 'cannot return stack pointer to the caller');
  if (callee.inCallback) {
    if (r0.type !== R.SCALAR_VALUE) env.fail('EACCES', 'R0 not a scalar value');
    markRead(env, r0, r0.parent, LIVE_READ64);
    markChainPrecision(env, 0);
    if (!rangeWithin(r0, callee.callbackRet, false))
      env.fail('EINVAL', invalidScalar(r0, callee.callbackRet, 'At callback return', 'R0'));
    if (!env.auxAt(callee.callsite).callsCallback)
      env.fail('EFAULT', `BUG: in callback at ${env.insnIdx}, callsite ${callee.callsite} !calls_callback`);
  } else {
    caller.reg(0).assign(r0);
    caller.refs = callee.refs.slice();
  }
  env.insnIdx = callee.inCallback ? callee.callsite : callee.callsite + 1;
  if (env.log.walks) {
    env.say('returning from callee:');
    env.printState(callee, true);
    env.say(`to caller at ${env.insnIdx}:`);
    env.printState(caller, true);
  }
  state.frames.length = state.curframe;
  state.curframe--;
  if (!callee.inCallback) return;
  const before = previousEntry(env, state, env.insnIdx, bucketOf(env, env.insnIdx));
  if (before) widenImprecise(env, before, state);
}
