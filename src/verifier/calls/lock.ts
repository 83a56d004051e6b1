/** bpf_spin_lock and bpf_spin_unlock (process_spin_lock()). */

import type { Env } from '../env/env.ts';
import { recordOf } from '../state/nullness.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { NO_LOCK } from '../state/state.ts';
import { inTreeCallback } from './kfunc/graph.ts';

export function processSpinLock(env: Env, reg: Reg, regno: number, lock: boolean): void {
  if (inTreeCallback(env)) env.fail('EACCES', "can't spin_{lock,unlock} in rbtree cb");
  const inMap = reg.type === R.PTR_TO_MAP_VALUE;
  const owner = inMap ? reg.map : reg.btf;
  if (!reg.v.isConst)
    env.fail('EINVAL', `R${regno} doesn't have constant offset. bpf_spin_lock has to be at the constant offset`);
  if (inMap && !reg.map?.btf)
    env.fail('EINVAL', `map '${reg.map?.name}' has to have BTF in order to use bpf_spin_lock`);
  const field = recordOf(env, reg).find((f) => f.kind === 'bpf_spin_lock');
  const what = inMap ? 'map' : 'local';
  const name = inMap ? (reg.map?.name ?? '') : 'kptr';
  if (!field) env.fail('EINVAL', `${what} '${name}' has no valid bpf_spin_lock`);
  const off = reg.v.sminNumber + reg.off;
  if (field.offset !== off)
    env.fail('EINVAL', `off ${off} doesn't point to 'struct bpf_spin_lock' that is at ${field.offset}`);
  const { cur } = env;
  if (lock) {
    if (cur.activeLock.owner) env.fail('EINVAL', 'Locking two bpf_spin_locks are not allowed');
    cur.activeLock = { owner, id: reg.id };
    return;
  }
  if (!cur.activeLock.owner) env.fail('EINVAL', 'bpf_spin_unlock without taking a lock');
  if (cur.activeLock.owner !== owner || cur.activeLock.id !== reg.id)
    env.fail('EINVAL', 'bpf_spin_unlock of different lock');
  cur.activeLock = NO_LOCK;
  // objects in a list or tree are only safe while it is locked
  cur.forEachReg((r) => {
    if (R.isNonOwningRef(r.type)) env.invalidate(r);
  });
}
