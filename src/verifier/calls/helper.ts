/** A call of a kernel helper (check_helper_call()). */

import { MAX_ERRNO } from '../../errors/errno.ts';
import type { Insn } from '../../isa/index.ts';
import { checkMemAccess } from '../access/mem.ts';
import { clearPacketPointers } from '../access/packet.ts';
import { sync } from '../domain/sync.ts';
import type { Env } from '../env/env.ts';
import { checkSane } from '../env/sanity.ts';
import { inSleepable } from '../env/section.ts';
import type { HelperProto } from '../kernel.ts';
import { ATTACH, F_RDONLY_PROG, MAP, PROG } from '../kinds.ts';
import { clearCallerSaved } from '../prune/liveness.ts';
import { markChainPrecision } from '../prune/precision.ts';
import { DEF_NOT_SUBREG, DYNPTR_SKB, type Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { checkArg } from './args.ts';
import { callFindVma, callForEach, callLoop, callTimer, callUserRingbuf } from './callbacks.ts';
import { checkMapHelper } from './compat.ts';
import { checkSnprintf } from './conststr.ts';
import { dynptrArg, dynptrIdOf, dynptrRefOf, dynptrTypeOf, unmarkDynptr } from './dynptr.ts';
import { CallMeta } from './meta.ts';
import { changesPacketData } from './packet.ts';
import { acquireReference, checkReferenceLeak, releaseReference } from './refs.ts';

const acquiring = new Set(['sk_lookup_tcp', 'sk_lookup_udp', 'skc_lookup_tcp', 'ringbuf_reserve', 'kptr_xchg']);
const casting = new Set([
  'tcp_sock',
  'sk_fullsock',
  'skc_to_tcp_sock',
  'skc_to_tcp6_sock',
  'skc_to_udp6_sock',
  'skc_to_mptcp_sock',
  'skc_to_tcp_timewait_sock',
  'skc_to_tcp_request_sock',
]);
const storageGet = new Set(['sk_storage_get', 'inode_storage_get', 'task_storage_get', 'cgrp_storage_get']);
const mapCalls = new Set([
  'tail_call',
  'map_lookup_elem',
  'map_update_elem',
  'map_delete_elem',
  'map_push_elem',
  'map_pop_elem',
  'map_peek_elem',
  'for_each_map_elem',
  'redirect_map',
  'map_lookup_percpu_elem',
]);
const mapWriters = new Set(['map_delete_elem', 'map_update_elem', 'map_push_elem', 'map_pop_elem']);
const sizedResults = new Set([
  'get_stack',
  'get_task_stack',
  'probe_read_str',
  'probe_read_kernel_str',
  'probe_read_user_str',
]);
const callbacks: ReadonlyMap<string, (env: Env, insn: Insn, meta: CallMeta) => void> = new Map([
  ['for_each_map_elem', callForEach],
  ['timer_set_callback', callTimer],
  ['find_vma', callFindVma],
  ['loop', callLoop],
  ['user_ringbuf_drain', callUserRingbuf],
]);

function prototype(env: Env, id: number): HelperProto {
  const { input } = env;
  const name = env.kernel.helperName(id);
  const title = name === 'unknown' ? 'unknown' : `bpf_${name}`;
  const found = env.kernel.helper(id, input.type, input.expectedAttachType);
  if (!found.ok) {
    const invalid = found.reason === 'invalid';
    env.fail(
      'EINVAL',
      invalid ? `invalid func ${title}#${id}` : `program of this type cannot use helper ${title}#${id}`,
    );
  }
  const { proto } = found;
  if (!input.gpl && proto.gplOnly)
    env.fail('EINVAL', 'cannot call GPL-restricted function from non-GPL compatible program');
  const scope = { caps: input.caps, sleepable: env.sleepable, attachName: env.attachStruct || env.attachName };
  if (proto.allowed && env.kernel.helperAllowed?.(proto, input.expectedAttachType, scope) === false)
    env.fail('EINVAL', 'helper call is not allowed in probe');
  if (!inSleepable(env) && proto.mightSleep) env.fail('EINVAL', 'helper call might sleep in a non-sleepable prog');
  return proto;
}

/** Regions in which nothing may sleep. */
function checkAtomic(env: Env, proto: HelperProto, id: number): void {
  const regions: [boolean, string][] = [
    [env.cur.activeRcuLock, 'rcu_read_lock'],
    [env.cur.activePreemptLock > 0, 'non-preemptible'],
  ];
  for (const [active, name] of regions) {
    if (!active) continue;
    if (proto.mightSleep) env.fail('EINVAL', `sleepable helper bpf_${proto.name}#${id} in ${name} region`);
    if (inSleepable(env) && storageGet.has(proto.name)) env.auxAt(env.insnIdx).storageGetFuncAtomic = true;
  }
}

/** `record_func_map`, `record_func_key`: whether all paths call with one map, one key. */
function recordMap(env: Env, meta: CallMeta): void {
  if (!mapCalls.has(meta.helper)) return;
  const { map } = meta;
  if (!map) env.fail('EINVAL', 'kernel subsystem misconfigured verifier');
  if (map.flags & F_RDONLY_PROG && mapWriters.has(meta.helper)) env.fail('EACCES', 'write into map forbidden');
  const aux = env.auxAt(env.insnIdx);
  aux.mapPtr = aux.mapPtr === undefined || aux.mapPtr === map ? map : 'poison';
  aux.mapPtrUnpriv = !(map.bypassSpecV1 ?? true);
  if (meta.helper !== 'tail_call') return;
  if (map.type !== MAP.PROG_ARRAY) env.fail('EINVAL', 'kernel subsystem misconfigured verifier');
  const index = env.reg(3);
  const key = index.v.tnum.value;
  if (!index.isConstScalar || key >= BigInt(map.maxEntries)) {
    aux.mapKey = 'poison';
    return;
  }
  markChainPrecision(env, 3);
  if (aux.mapKey === undefined) aux.mapKey = key;
  else if (aux.mapKey !== 'poison' && aux.mapKey !== key) aux.mapKey = 'poison';
}

function release(env: Env, meta: CallMeta, id: number): void {
  const regno = meta.releaseRegno;
  if (!regno) return;
  let ok: boolean;
  if (meta.proto.args[regno - 1]?.type === 'ARG_PTR_TO_DYNPTR') ok = unmarkDynptr(env, env.reg(regno));
  else if (meta.helper === 'kptr_xchg' && meta.refObjId) ok = releaseIntoKptr(env, meta.refObjId);
  else if (meta.refObjId) ok = releaseReference(env, meta.refObjId);
  else ok = env.reg(regno).isNull;
  if (!ok) env.fail('EINVAL', `func bpf_${meta.helper}#${id} reference has not been acquired before`);
}

/** A per-CPU object given to a kptr stays readable under RCU. */
function releaseIntoKptr(env: Env, id: number): boolean {
  if (!env.frame.releaseRef(id)) return false;
  const inRcu = env.cur.activeRcuLock || !inSleepable(env);
  env.cur.forEachReg((reg) => {
    if (reg.refObjId !== id) return;
    if (inRcu && reg.type & R.MEM_ALLOC && reg.type & R.MEM_PERCPU) {
      reg.refObjId = 0;
      reg.type = (reg.type & ~R.MEM_ALLOC) | R.MEM_RCU;
    } else env.invalidate(reg);
  });
  return true;
}

/** A tail call does not come back to give anything up. */
function checkTailCall(env: Env): void {
  if (!checkReferenceLeak(env, false)) env.fail('EINVAL', 'tail_call would lead to reference leak');
  if (env.cur.activeRcuLock) env.fail('EINVAL', 'tail_call cannot be used inside bpf_rcu_read_lock-ed region');
  if (env.cur.activePreemptLock) env.fail('EINVAL', 'tail_call cannot be used inside bpf_preempt_disable-ed region');
}

/** Rules of single helpers. Returns whether packet pointers are stale afterwards. */
function checkParticular(env: Env, insn: Insn, meta: CallMeta): boolean {
  const { input } = env;
  switch (meta.helper) {
    case 'tail_call':
      checkTailCall(env);
      break;
    case 'get_local_storage':
      if (!env.reg(2).isNull) env.fail('EINVAL', "get_local_storage() doesn't support non-zero flags");
      markChainPrecision(env, 2);
      break;
    case 'snprintf':
      checkSnprintf(env);
      break;
    case 'dynptr_from_mem':
      if (env.reg(1).type !== R.PTR_TO_MAP_VALUE)
        env.fail('EACCES', `Unsupported reg type ${R.typeText(env.reg(1).type)} for bpf_dynptr_from_mem data`);
      break;
    case 'set_retval':
      if (input.type === PROG.LSM && input.expectedAttachType === ATTACH.LSM_CGROUP && env.attachReturnsVoid) {
        env.fail('EINVAL', "BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!");
      }
      break;
    case 'dynptr_data': {
      const reg = dynptrArg(env, meta.proto);
      meta.dynptrId = dynptrIdOf(env, reg);
      meta.refObjId = dynptrRefOf(env, reg);
      break;
    }
    case 'dynptr_write':
      return dynptrTypeOf(env, dynptrArg(env, meta.proto)) === DYNPTR_SKB;
    case 'per_cpu_ptr':
    case 'this_cpu_ptr':
      if (env.reg(1).type & R.MEM_RCU) env.auxAt(env.insnIdx).callWithPercpuAllocPtr = true;
      break;
  }
  callbacks.get(meta.helper)?.(env, insn, meta);
  return false;
}

function memOrStruct(env: Env, r0: Reg, meta: CallMeta, flags: number): void {
  const btf = meta.retBtf;
  if (!btf) env.fail('EINVAL', 'verifier internal error: no type to return');
  const type = btf.resolve(meta.retBtfId);
  if (type.kind !== 'struct' && type.kind !== 'union') {
    r0.type = R.PTR_TO_MEM | flags;
    r0.memSize = btf.sizeOf(meta.retBtfId);
    return;
  }
  const percpuAlloc = env.auxAt(env.insnIdx).callWithPercpuAllocPtr === true;
  r0.type = R.PTR_TO_BTF_ID | (percpuAlloc ? R.MEM_ALLOC | R.MEM_RCU : flags & ~R.MEM_RDONLY);
  r0.btf = btf;
  r0.btfId = meta.retBtfId;
}

function setResult(env: Env, meta: CallMeta): void {
  const { proto } = meta;
  const flags = R.flagsOf(proto.retFlags);
  const r0 = env.reg(0);
  const pointer = (base: number): void => {
    r0.markKnown(0n);
    r0.type = base | flags;
  };
  switch (proto.ret) {
    case 'RET_INTEGER':
      env.markUnknown(r0);
      break;
    case 'RET_VOID':
      r0.type = R.NOT_INIT;
      break;
    case 'RET_PTR_TO_MAP_VALUE':
      if (!meta.map) env.fail('EINVAL', 'kernel subsystem misconfigured verifier');
      pointer(R.PTR_TO_MAP_VALUE);
      r0.map = meta.map;
      r0.mapUid = meta.mapUid;
      if (!R.mayBeNull(flags) && env.records.ofMap(meta.map).some((f) => f.kind === 'bpf_spin_lock'))
        r0.id = ++env.idGen;
      break;
    case 'RET_PTR_TO_SOCKET':
      pointer(R.PTR_TO_SOCKET);
      break;
    case 'RET_PTR_TO_SOCK_COMMON':
      pointer(R.PTR_TO_SOCK_COMMON);
      break;
    case 'RET_PTR_TO_TCP_SOCK':
      pointer(R.PTR_TO_TCP_SOCK);
      break;
    case 'RET_PTR_TO_MEM':
      pointer(R.PTR_TO_MEM);
      r0.memSize = meta.memSize;
      break;
    case 'RET_PTR_TO_MEM_OR_BTF_ID':
      r0.markKnown(0n);
      memOrStruct(env, r0, meta, flags);
      break;
    case 'RET_PTR_TO_BTF_ID':
      pointer(R.PTR_TO_BTF_ID);
      if (meta.helper === 'kptr_xchg') {
        r0.btf = meta.kptr?.btf;
        r0.btfId = meta.kptr?.typeId ?? 0;
        if (r0.btf !== env.kernel.vmlinux) {
          r0.type |= R.MEM_ALLOC;
          if (meta.kptr?.kind === 'percpu_kptr') r0.type |= R.MEM_PERCPU;
        }
      } else {
        r0.btf = env.kernel.vmlinux;
        r0.btfId = proto.retBtfType ? (env.kernel.vmlinux?.findByName(proto.retBtfType, 'struct') ?? 0) : 0;
      }
      break;
  }
  if (R.mayBeNull(r0.type)) r0.id = ++env.idGen;
}

/** References that come with the result. */
function setResultRef(env: Env, meta: CallMeta): void {
  const r0 = env.reg(0);
  if (meta.helper === 'dynptr_data') r0.dynptrId = meta.dynptrId;
  const socketMap = meta.map?.type === MAP.SOCKMAP || meta.map?.type === MAP.SOCKHASH;
  if (casting.has(meta.helper) || meta.helper === 'dynptr_data') r0.refObjId = meta.refObjId;
  else if (acquiring.has(meta.helper) || (meta.helper === 'map_lookup_elem' && socketMap)) {
    const id = acquireReference(env, env.insnIdx);
    r0.id = id;
    r0.refObjId = id;
  }
}

/** `do_refine_retval_range` */
function refineResult(env: Env, meta: CallMeta): void {
  if (meta.proto.ret !== 'RET_INTEGER') return;
  const r0 = env.reg(0);
  const v = r0.v.copy();
  if (sizedResults.has(meta.helper)) {
    v.smax = BigInt.asIntN(64, meta.msizeMax);
    v.s32max = Number(BigInt.asIntN(32, meta.msizeMax));
    v.smin = BigInt(-MAX_ERRNO);
    v.s32min = -MAX_ERRNO;
    r0.v = sync(v);
  } else if (meta.helper === 'get_smp_processor_id') {
    const last = env.kernel.possibleCpus ?? env.kernel.cpus;
    v.umin = 0n;
    v.smin = 0n;
    v.u32min = 0;
    v.s32min = 0;
    v.umax = BigInt(last - 1);
    v.smax = v.umax;
    v.u32max = last - 1;
    v.s32max = last - 1;
    r0.v = sync(v);
  }
  checkSane(env, r0, 'retval');
}

const trampolines: readonly number[] = [ATTACH.TRACE_FENTRY, ATTACH.TRACE_FEXIT, ATTACH.MODIFY_RETURN];

/** The traced function's address is only there where a trampoline or a probe puts it. */
function checkFuncIp(env: Env, id: number): void {
  const { type, expectedAttachType } = env.input;
  if (type === PROG.KPROBE) return;
  if (type !== PROG.TRACING) env.fail('ENOTSUPP', `func bpf_get_func_ip#${id} not supported for program type ${type}`);
  if (!trampolines.includes(expectedAttachType))
    env.fail('ENOTSUPP', `func bpf_get_func_ip#${id} supported only for fentry/fexit/fmod_ret programs`);
}

export function checkHelperCall(env: Env, insn: Insn): void {
  const id = insn.imm;
  const { insnIdx } = env;
  const proto = prototype(env, id);
  const meta = new CallMeta(proto);
  checkAtomic(env, proto, id);
  for (let n = 0; n < 5; n++) checkArg(env, n, meta);
  recordMap(env, meta);
  for (let n = 0; n < meta.accessSize; n++)
    checkMemAccess(env, { insnIdx, regno: meta.regno, off: n, size: 1, write: true, value: -1 });
  release(env, meta, id);
  const stale = checkParticular(env, insn, meta) || changesPacketData(proto.name);
  clearCallerSaved(env);
  env.reg(0).subregDef = DEF_NOT_SUBREG;
  setResult(env, meta);
  setResultRef(env, meta);
  refineResult(env, meta);
  checkMapHelper(env, meta.map, meta.helper, id);
  if (meta.helper === 'get_func_ip') checkFuncIp(env, id);
  if (stale) clearPacketPointers(env);
}
