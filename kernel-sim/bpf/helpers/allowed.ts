/** Helpers that only some attach targets may call: `bpf_func_proto.allowed`, Linux 6.12. */

import { attachType } from '../../../src/uapi/index.ts';
import type { HelperProto, HelperScope } from '../../../src/verifier/kernel.ts';
import { D_PATH_FUNCTIONS, SLEEPABLE_LSM_HOOKS } from './lsm-hooks.ts';

const TRACE_ITER = attachType('trace_iter');
const LSM = new Set([attachType('lsm_mac'), attachType('lsm_cgroup')]);

const STORAGE_ALWAYS = new Set([TRACE_ITER, attachType('trace_raw_tp')]);
const STORAGE_BY_NAME = new Set([attachType('trace_fentry'), attachType('trace_fexit')]);

/** `fn->allowed(prog)` */
export function helperAllowed(proto: HelperProto, attach: number, scope: HelperScope): boolean {
  const name = scope.attachName ?? '';
  switch (proto.allowed) {
    case 'd_path':
      if (attach === TRACE_ITER) return true;
      return LSM.has(attach) ? SLEEPABLE_LSM_HOOKS.has(name) : D_PATH_FUNCTIONS.has(name);
    case 'ima_inode_hash':
      return SLEEPABLE_LSM_HOOKS.has(name);
    case 'sk_storage_tracing':
      // a program on the storage's own functions would call itself; its other attach types are not allowed
      if (STORAGE_ALWAYS.has(attach)) return true;
      return STORAGE_BY_NAME.has(attach) && !name.startsWith('bpf_sk_storage');
    default:
      return true;
  }
}
