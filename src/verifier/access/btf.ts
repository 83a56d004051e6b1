/** Loads through pointers to kernel structures, and to the map structure itself (check_ptr_to_btf_access()). */

import type { Btf } from '../../btf/index.ts';
import type { Env } from '../env/env.ts';
import { inRcu } from '../env/section.ts';
import { MAP } from '../kinds.ts';
import { isTrusted } from '../state/nullness.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import type { MemAccess } from './access.ts';
import { type WalkResult, walkStruct } from './btfwalk.ts';
import { structWriter } from './structwrite.ts';
import { isSafeField, type SafeKind } from './trusted.ts';

/** `mark_btf_ld_reg` */
function setLoaded(env: Env, dst: Reg, btf: Btf, id: number, flags: number): void {
  dst.markKnown(0n);
  dst.type = R.PTR_TO_BTF_ID | flags;
  dst.btf = btf;
  dst.btfId = id;
  if (R.mayBeNull(flags)) dst.id = ++env.idGen;
}

const untrust = (flags: number): number => flags & ~(R.PTR_TRUSTED | R.MEM_ALLOC | R.NON_OWN_REF | R.MEM_RCU);

/** How far a pointer found in a structure may be trusted. */
function loadedFlags(env: Env, reg: Reg, btf: Btf, found: WalkResult & { kind: 'ptr' }): number {
  const { flags } = found;
  const safe = (kind: SafeKind): boolean => isSafeField(btf, reg.btfId, found.field, found.id, kind);
  if (reg.type & R.PTR_UNTRUSTED) return R.PTR_UNTRUSTED;
  if (!isTrusted(reg) && !(reg.type & R.MEM_RCU)) return untrust(flags);
  if (safe('trusted')) return flags | R.PTR_TRUSTED;
  if (safe('trusted_or_null')) return flags | R.PTR_TRUSTED | R.PTR_MAYBE_NULL;
  if (!inRcu(env) || R.mayBeNull(reg.type)) return R.PTR_UNTRUSTED;
  if (safe('rcu')) return flags | R.MEM_RCU;
  const orNull = safe('rcu_or_null');
  if (flags & R.MEM_RCU || orNull) return (orNull ? flags & ~R.PTR_UNTRUSTED : flags) | R.MEM_RCU | R.PTR_MAYBE_NULL;
  return flags & (R.MEM_PERCPU | R.MEM_USER) ? flags : untrust(flags);
}

export function checkBtfAccess(env: Env, a: MemAccess, reg: Reg, off: number): void {
  const btf = reg.btf as Btf;
  const type = btf.typeById(reg.btfId);
  const regName = `R${a.regno}`;
  if (!env.allowPtrLeaks)
    env.fail('EPERM', `'struct ${type.name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
  if (!env.input.gpl && btf === env.kernel.vmlinux)
    env.fail('EINVAL', `Cannot access kernel 'struct ${type.name}' from non-GPL compatible program`);
  if (off < 0) env.fail('EACCES', `${regName} is ptr_${type.name} invalid negative access: off=${off}`);
  if (!reg.v.isZero)
    env.fail('EACCES', `${regName} is ptr_${type.name} invalid variable offset: off=${off}, var_off=${reg.varOff}`);
  if (reg.type & R.MEM_USER) env.fail('EACCES', `${regName} is ptr_${type.name} access user memory: off=${off}`);
  if (reg.type & R.MEM_PERCPU) env.fail('EACCES', `${regName} is ptr_${type.name} access percpu memory: off=${off}`);
  const alloc = (reg.type & R.MEM_ALLOC) !== 0;
  const writer = a.write && !alloc ? structWriter(env) : undefined;
  if (writer) {
    writer(env, type.name, off, a.size);
    return;
  }
  if (a.write && !alloc) env.fail('EACCES', 'only read is supported');
  if (alloc && !reg.refObjId && !(reg.type & (R.NON_OWN_REF | R.MEM_RCU))) {
    env.fail('EFAULT', 'verifier internal error: ref_obj_id for allocated object must be non-zero');
  }
  if (alloc) {
    for (const field of env.records.ofType(btf, reg.btfId)) {
      if (off < field.offset + field.size && field.offset < off + a.size)
        env.fail('EACCES', `direct access to ${field.kind} is disallowed`);
    }
  }
  const found = walkStruct(btf, reg.btfId, off, a.size);
  if (found.kind === 'error') env.fail(found.errno, found.message);
  if (a.write || a.value < 0) return;
  const dst = env.reg(a.value);
  if (found.kind !== 'ptr') {
    env.markUnknown(dst);
    return;
  }
  if (alloc) env.markUnknown(dst);
  else setLoaded(env, dst, btf, found.id, loadedFlags(env, reg, btf, found));
}

const structNames: Readonly<Record<number, string>> = {
  [MAP.ARRAY]: 'bpf_array',
  [MAP.PERCPU_ARRAY]: 'bpf_array',
  [MAP.PROG_ARRAY]: 'bpf_array',
  [MAP.PERF_EVENT_ARRAY]: 'bpf_array',
  [MAP.CGROUP_ARRAY]: 'bpf_array',
  [MAP.ARRAY_OF_MAPS]: 'bpf_array',
  [MAP.HASH]: 'bpf_htab',
  [MAP.LRU_HASH]: 'bpf_htab',
  [MAP.PERCPU_HASH]: 'bpf_htab',
  [MAP.LRU_PERCPU_HASH]: 'bpf_htab',
  [MAP.HASH_OF_MAPS]: 'bpf_htab',
  [MAP.LPM_TRIE]: 'lpm_trie',
  [MAP.QUEUE]: 'bpf_queue_stack',
  [MAP.STACK]: 'bpf_queue_stack',
  [MAP.RINGBUF]: 'bpf_ringbuf_map',
  [MAP.USER_RINGBUF]: 'bpf_ringbuf_map',
  [MAP.STACK_TRACE]: 'bpf_stack_map',
  [MAP.DEVMAP]: 'bpf_dtab',
  [MAP.DEVMAP_HASH]: 'bpf_dtab',
  [MAP.CPUMAP]: 'bpf_cpu_map',
  [MAP.XSKMAP]: 'xsk_map',
  [MAP.SOCKMAP]: 'bpf_stab',
  [MAP.SOCKHASH]: 'bpf_shtab',
  [MAP.REUSEPORT_SOCKARRAY]: 'reuseport_array',
  [MAP.SK_STORAGE]: 'bpf_local_storage_map',
  [MAP.INODE_STORAGE]: 'bpf_local_storage_map',
  [MAP.TASK_STORAGE]: 'bpf_local_storage_map',
  [MAP.CGRP_STORAGE]: 'bpf_local_storage_map',
  [MAP.CGROUP_STORAGE]: 'bpf_cgroup_storage_map',
  [MAP.PERCPU_CGROUP_STORAGE]: 'bpf_cgroup_storage_map',
  [MAP.BLOOM_FILTER]: 'bpf_bloom_filter',
  [MAP.STRUCT_OPS]: 'bpf_struct_ops_map',
  [MAP.ARENA]: 'bpf_arena',
};

/** `check_ptr_to_map_access`: a map's own fields. */
export function checkMapPtrAccess(env: Env, a: MemAccess, reg: Reg, off: number): void {
  const btf = env.kernel.vmlinux;
  if (!btf) env.fail('ENOTSUPP', 'map_ptr access not supported without CONFIG_DEBUG_INFO_BTF');
  const map = reg.map as NonNullable<Reg['map']>;
  const name = structNames[map.type];
  if (!name) env.fail('ENOTSUPP', `map_ptr access not supported for map type ${map.type}`);
  if (!env.allowPtrLeaks) env.fail('EPERM', `'struct ${name}' access is allowed only to CAP_PERFMON and CAP_SYS_ADMIN`);
  if (off < 0) env.fail('EACCES', `R${a.regno} is ${name} invalid negative access: off=${off}`);
  if (a.write) env.fail('EACCES', `only read from ${name} is supported`);
  const found = walkStruct(btf, btf.findByName(name, 'struct'), off, a.size);
  if (found.kind === 'error') env.fail(found.errno, found.message);
  if (a.value < 0) return;
  const dst = env.reg(a.value);
  if (found.kind === 'ptr') setLoaded(env, dst, btf, found.id, found.flags);
  else env.markUnknown(dst);
}
