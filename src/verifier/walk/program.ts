/** The main function first, then each global function on its own (do_check_main(), do_check_subprogs()). */

import { newFrame } from '../calls/func.ts';
import { prepareArgs } from '../calls/funcargs.ts';
import type { Subprog, SubprogArg } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import { Reject } from '../env/reject.ts';
import { setDynptr } from '../state/dynptr.ts';
import { DYNPTR_LOCAL, type Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { MAIN_FUNC, VerifierState } from '../state/state.ts';
import { walk } from './check.ts';

function setArg(env: Env, reg: Reg, arg: SubprogArg): void {
  switch (arg.kind) {
    case 'ctx':
      reg.markKnown(0n);
      reg.type = R.PTR_TO_CTX;
      return;
    case 'dynptr':
      setDynptr(reg, DYNPTR_LOCAL, true, ++env.idGen);
      return;
    case 'mem':
      reg.markKnown(0n);
      reg.type = R.PTR_TO_MEM | (arg.nullable ? R.PTR_MAYBE_NULL : 0);
      reg.memSize = arg.memSize;
      reg.id = ++env.idGen;
      return;
    case 'btf':
      reg.markKnown(0n);
      reg.type = R.PTR_TO_BTF_ID | (arg.nullable ? R.PTR_MAYBE_NULL : 0) | (arg.trusted ? R.PTR_TRUSTED : 0);
      reg.btf = env.kernel.vmlinux;
      reg.btfId = arg.btfId;
      reg.id = ++env.idGen;
      return;
    default:
      env.markUnknown(reg);
  }
}

/** The main function's BTF is only a hint: its context may be declared as anything. */
function checkMainBtf(env: Env): void {
  if (!env.input.funcInfo || !env.input.btf) return;
  const main = env.subprogs[0] as Subprog;
  try {
    const args = prepareArgs(env, 0);
    if (args.length !== 1 || args[0]?.kind !== 'ctx') main.unreliable = true;
  } catch (e) {
    if (!(e instanceof Reject)) throw e;
    main.unreliable = true;
  }
}

function walkFunction(env: Env, n: number): void {
  const subprog = env.subprogs[n] as Subprog;
  const state = new VerifierState();
  state.branches = 1;
  state.firstInsnIdx = subprog.start;
  state.lastInsnIdx = -1;
  const frame = newFrame(env, MAIN_FUNC, 0, n);
  state.frames = [frame];
  env.cur = state;
  env.insnIdx = subprog.start;
  env.explored = [];
  env.source.forget();
  if (n > 0 || env.input.attachProg?.isExtension) {
    env.say(`Validating ${subprog.name}() func#${n}...`);
    const args = prepareArgs(env, n);
    if (subprog.isExceptionCb) {
      frame.inExceptionCallback = true;
      if (args.length !== 1 || args[0]?.kind !== 'scalar')
        env.fail('EINVAL', 'exception cb only supports single integer argument');
    }
    args.forEach((arg, at) => {
      setArg(env, frame.reg(at + 1), arg);
    });
  } else {
    checkMainBtf(env);
    frame.reg(1).markKnown(0n);
    frame.reg(1).type = R.PTR_TO_CTX;
  }
  walk(env);
  if (!env.log.everyInsn) env.log.truncate(0);
}

export function walkProgram(env: Env): void {
  walkFunction(env, 0);
  if (!env.input.funcInfo) return;
  if (env.exceptionCallback !== undefined) (env.subprogs[env.exceptionCallback] as Subprog).called = true;
  for (let again = true; again; ) {
    again = false;
    for (const [n, subprog] of env.subprogs.entries()) {
      if (n === 0 || !subprog.isGlobal || !subprog.called || subprog.verified) continue;
      walkFunction(env, n);
      if (env.log.walks) env.say(`Func#${n} ('${subprog.name}') is safe for any args that match its prototype`);
      subprog.verified = true;
      again = true;
    }
  }
}
