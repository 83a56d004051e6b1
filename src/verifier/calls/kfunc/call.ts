/** A call of a kernel function by BTF id (check_kfunc_call()). */

import type { Insn } from '../../../isa/index.ts';
import type { SpecialField } from '../../access/record.ts';
import { isCapable } from '../../env/caps.ts';
import type { Env } from '../../env/env.ts';
import { Reject } from '../../env/reject.ts';
import { inSleepable } from '../../env/section.ts';
import * as R from '../../state/regtype.ts';
import { STACK_ITER } from '../../state/stack.ts';
import { checkReturnCode } from '../../walk/retval.ts';
import { pushCallback, setupTimer } from '../callbacks.ts';
import { releaseReference } from '../refs.ts';
import { checkKfuncArgs } from './args.ts';
import { giveAway, inTreeCallback, setNode, setNonOwning } from './graph.ts';
import { branchNext } from './iter.ts';
import { KfuncMeta } from './meta.ts';
import { markArgsRead, rememberMeta, setKfuncResult } from './result.ts';
import { isAllowed, kfuncOf } from './table.ts';

/** bpf_rbtree_add's comparison: two nodes that the tree owns. */
function callTreeLess(env: Env, insn: Insn, meta: KfuncMeta): void {
  const root = meta.rbRoot as SpecialField;
  pushCallback(env, insn, meta.subprog, (_env, _caller, callee) => {
    for (const n of [1, 2]) {
      setNode(callee.reg(n), root);
      setNonOwning(env, callee.reg(n));
    }
    for (const n of [3, 4, 5]) callee.reg(n).clear();
    callee.inCallback = true;
    callee.callbackRet = [0, 1];
  });
}

function runCallbacks(env: Env, insn: Insn, meta: KfuncMeta): void {
  const run =
    meta.name === 'bpf_rbtree_add_impl'
      ? () => callTreeLess(env, insn, meta)
      : meta.name === 'bpf_wq_set_callback_impl'
        ? () => pushCallback(env, insn, meta.subprog, setupTimer, true)
        : undefined;
  if (!run) return;
  try {
    run();
  } catch (e) {
    if (e instanceof Reject) env.say(`kfunc ${meta.name}#${insn.imm} failed callback verification`);
    throw e;
  }
}

/** After bpf_rcu_read_unlock what was protected is only a guess. */
function leaveRcu(env: Env): void {
  const demote = (reg: { type: number }): void => {
    if (reg.type & R.MEM_RCU) reg.type = (reg.type & ~(R.MEM_RCU | R.PTR_MAYBE_NULL)) | R.PTR_UNTRUSTED;
  };
  env.cur.forEachReg(demote);
  for (const frame of env.cur.frames) for (const slot of frame.stack) if (slot.last === STACK_ITER) demote(slot.reg);
  env.cur.activeRcuLock = false;
}

function trackRcu(env: Env, meta: KfuncMeta, sleeps: boolean): void {
  const lock = meta.name === 'bpf_rcu_read_lock';
  const unlock = meta.name === 'bpf_rcu_read_unlock';
  if (env.cur.activeRcuLock) {
    if (inTreeCallback(env) && (lock || unlock))
      env.fail('EACCES', 'Calling bpf_rcu_read_{lock,unlock} in unnecessary rbtree callback');
    if (lock) env.fail('EINVAL', `nested rcu read lock (kernel function ${meta.name})`);
    if (unlock) leaveRcu(env);
    else if (sleeps) env.fail('EACCES', `kernel func ${meta.name} is sleepable within rcu_read_lock region`);
  } else if (lock) env.cur.activeRcuLock = true;
  else if (unlock) env.fail('EINVAL', `unmatched rcu read unlock (kernel function ${meta.name})`);
}

function trackPreemption(env: Env, meta: KfuncMeta, sleeps: boolean): void {
  const { cur } = env;
  if (meta.name === 'bpf_preempt_disable') cur.activePreemptLock++;
  else if (meta.name === 'bpf_preempt_enable') {
    if (!cur.activePreemptLock)
      env.fail('EINVAL', `unmatched attempt to enable preemption (kernel function ${meta.name})`);
    cur.activePreemptLock--;
  } else if (cur.activePreemptLock && sleeps)
    env.fail('EACCES', `kernel func ${meta.name} is sleepable within non-preemptible region`);
}

const drops = new Set(['bpf_obj_drop_impl', 'bpf_percpu_obj_drop_impl']);
const inserts = new Set(['bpf_list_push_front_impl', 'bpf_list_push_back_impl', 'bpf_rbtree_add_impl']);

function releaseArgs(env: Env, insn: Insn, meta: KfuncMeta): void {
  const title = `kfunc ${meta.name}#${insn.imm}`;
  if (meta.releaseRegno && !releaseReference(env, env.reg(meta.releaseRegno).refObjId))
    env.fail('EINVAL', `${title} reference has not been acquired before`);
  if (!inserts.has(meta.name)) return;
  const id = env.reg(2).refObjId;
  const aux = env.auxAt(env.insnIdx);
  if (aux.kfunc) aux.kfunc.arg = BigInt(env.reg(2).off);
  rememberMeta(env, meta.argBtf, meta.argBtfId);
  if (!giveAway(env, id)) env.fail('EINVAL', `${title} conversion of owning ref to non-owning failed`);
  if (!releaseReference(env, id)) env.fail('EINVAL', `${title} reference has not been acquired before`);
}

export function checkKfuncCall(env: Env, insn: Insn): 'next' | 'throw' {
  if (!insn.imm) return 'next';
  const desc = kfuncOf(env, insn);
  const btf = env.kernel.vmlinux;
  if (!desc || !btf) env.quit('EINVAL');
  if (!isAllowed(desc)) env.fail('EACCES', `calling kernel function ${desc.facts.name} is not allowed`);
  const meta = new KfuncMeta(desc, btf);
  const aux = env.auxAt(env.insnIdx);
  aux.isIterNext = meta.isIterNext;
  aux.kfunc ??= { btfId: insn.imm, facts: desc.facts };
  if (meta.has('KF_DESTRUCTIVE') && !isCapable(env))
    env.fail('EACCES', 'destructive kfunc calls require CAP_SYS_BOOT capability');
  const sleeps = meta.has('KF_SLEEPABLE');
  if (sleeps && !inSleepable(env)) env.fail('EACCES', `program must be sleepable to call sleepable kfunc ${meta.name}`);
  checkKfuncArgs(env, meta, env.insnIdx);
  if (meta.name === 'bpf_session_cookie') {
    meta.r0Size = 8;
    meta.r0ReadOnly = false;
  }
  runCallbacks(env, insn, meta);
  trackRcu(env, meta, sleeps);
  trackPreemption(env, meta, sleeps);
  releaseArgs(env, insn, meta);
  const throws = meta.name === 'bpf_throw';
  if (throws) {
    env.seenException = true;
    if (env.exceptionCallback === undefined) checkReturnCode(env, 1);
  }
  for (let n = 0; n <= 5; n++) env.reg(n).clear();
  setKfuncResult(env, meta);
  if (drops.has(meta.name)) rememberMeta(env, meta.argBtf, meta.argBtfId);
  markArgsRead(env, meta);
  if (meta.isIterNext) branchNext(env, meta, env.insnIdx);
  return throws ? 'throw' : 'next';
}
