/** Wide loads resolved to maps, map values, functions and kernel variables (resolve_pseudo_ldimm64()). */
import type { Btf } from '../../btf/index.ts';
import * as I from '../../isa/index.ts';
import type { Aux } from '../env/aux.ts';
import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { isTracingType, MAP, PROG } from '../kinds.ts';
import * as R from '../state/regtype.ts';
import { isOpen } from './fds.ts';
import { isKnownOpcode } from './opcodes.ts';

const MAX_USED_MAPS = 64;
const MAX_VAR_OFF = 1 << 29;

const sleepableMaps: readonly number[] = [
  MAP.HASH,
  MAP.LRU_HASH,
  MAP.ARRAY,
  MAP.PERCPU_HASH,
  MAP.PERCPU_ARRAY,
  MAP.LRU_PERCPU_HASH,
  MAP.ARRAY_OF_MAPS,
  MAP.HASH_OF_MAPS,
  MAP.RINGBUF,
  MAP.USER_RINGBUF,
  MAP.INODE_STORAGE,
  MAP.SK_STORAGE,
  MAP.TASK_STORAGE,
  MAP.CGRP_STORAGE,
  MAP.QUEUE,
  MAP.STACK,
  MAP.ARENA,
];

/** Whether a program of this type may use the map at all. */
function checkCompatible(env: Env, map: MapFacts): void {
  const { type } = env.input;
  const tracing = isTracingType(type);
  const has = (...kinds: string[]): boolean => env.records.ofMap(map).some((f) => kinds.includes(f.kind));
  if (has('bpf_list_head', 'bpf_rb_root') && tracing)
    env.fail('EINVAL', 'tracing progs cannot use bpf_{list_head,rb_root} yet');
  if (has('bpf_spin_lock')) {
    if (type === PROG.SOCKET_FILTER) env.fail('EINVAL', 'socket filter progs cannot use bpf_spin_lock yet');
    if (tracing) env.fail('EINVAL', 'tracing progs cannot use bpf_spin_lock yet');
  }
  if (has('bpf_timer') && tracing) env.fail('EINVAL', 'tracing progs cannot use bpf_timer yet');
  if (has('bpf_wq') && tracing) env.fail('EINVAL', 'tracing progs cannot use bpf_wq yet');
  if (map.type === MAP.STRUCT_OPS) env.fail('EINVAL', 'bpf_struct_ops map cannot be used in prog');
  if (env.sleepable && !sleepableMaps.includes(map.type)) {
    env.fail('EINVAL', 'Sleepable programs can only use array, hash, ringbuf and local storage maps');
  }
}

function useMap(env: Env, map: MapFacts): number {
  const at = env.usedMaps.findIndex((m) => m.id === map.id);
  if (at >= 0) return at;
  if (env.usedMaps.length >= MAX_USED_MAPS)
    env.fail('E2BIG', `The total number of maps per program has reached the limit of ${MAX_USED_MAPS}`);
  const isCgroupStorage = map.type === MAP.CGROUP_STORAGE || map.type === MAP.PERCPU_CGROUP_STORAGE;
  if (isCgroupStorage && env.usedMaps.some((m) => m.type === map.type))
    env.fail('EBUSY', 'only one cgroup storage of each type is allowed');
  if (map.type === MAP.ARENA) {
    if (env.usesArena) env.fail('EBUSY', 'Only one arena per program');
    if (!env.allowPtrLeaks || !env.bpfCapable) env.fail('EPERM', 'CAP_BPF and CAP_PERFMON are required to use arena');
    env.usesArena = map;
    if (!map.mapExtra && map.userAddress === undefined)
      env.fail('EINVAL', "arena's user address must be set via map_extra or mmap()");
  }
  return env.usedMaps.push(map) - 1;
}

function resolveMap(env: Env, idx: number, insn: I.Insn, high: I.Insn): void {
  const isValue = insn.src === I.BPF_PSEUDO_MAP_VALUE || insn.src === I.BPF_PSEUDO_MAP_IDX_VALUE;
  const isIdx = insn.src === I.BPF_PSEUDO_MAP_IDX || insn.src === I.BPF_PSEUDO_MAP_IDX_VALUE;
  if (!isValue && !(high.imm === 0 && (insn.src === I.BPF_PSEUDO_MAP_FD || isIdx)))
    env.fail('EINVAL', 'unrecognized bpf_ld_imm64 insn');
  let fd = insn.imm;
  if (isIdx) {
    if (!env.input.fdArray) env.fail('EPROTO', 'fd_idx without fd_array is invalid');
    fd = env.input.fdArray[insn.imm] ?? env.quit('EFAULT');
  }
  const map = env.kernel.mapByFd(fd);
  if (!map) {
    env.fail(isOpen(env, fd) ? 'EINVAL' : 'EBADF', `fd ${fd} is not pointing to valid bpf_map`);
  }
  checkCompatible(env, map);
  const aux = env.auxAt(idx);
  aux.imm64 = map.address;
  if (isValue) pointIntoValue(env, aux, map, high.imm >>> 0);
  aux.mapIndex = useMap(env, map);
}

/** The address of a place in the value of an array of one entry, or in an arena. */
function pointIntoValue(env: Env, aux: Aux, map: MapFacts, off: number): void {
  if (off >= MAX_VAR_OFF) env.fail('EINVAL', `direct value offset of ${off} is not allowed`);
  const direct = map.type === MAP.ARRAY || map.type === MAP.ARENA;
  if (!direct) env.fail('EINVAL', 'no direct value access support for this map type');
  const outside =
    map.type === MAP.ARENA
      ? off > (map.mapExtra || map.userAddress !== undefined ? map.maxEntries * 4096 : 0)
      : map.maxEntries !== 1 || off >= map.valueSize;
  if (outside) {
    const errno =
      map.type === MAP.ARENA || map.maxEntries === 1 ? (map.type === MAP.ARENA ? 'ERANGE' : 'EINVAL') : 'ENOTSUPP';
    env.fail(errno, `invalid access to map value pointer, value_size=${map.valueSize} off=${off}`);
  }
  aux.mapOff = off;
  aux.imm64 = (map.valueAddress ?? map.address) + BigInt(off);
}

/** `__check_pseudo_btf_id`: a ksym variable or function of the kernel. */
function resolveBtfId(env: Env, idx: number, insn: I.Insn, high: I.Insn): void {
  const btf: Btf | undefined = high.imm === 0 ? env.kernel.vmlinux : undefined;
  if (!btf)
    env.fail(
      'EINVAL',
      high.imm
        ? 'invalid module BTF object FD specified.'
        : 'kernel is missing BTF, make sure CONFIG_DEBUG_INFO_BTF=y is specified in Kconfig.',
    );
  if (insn.imm <= 0 || insn.imm >= btf.typeCount)
    env.fail('ENOENT', `ldimm64 insn specifies invalid btf_id ${insn.imm}.`);
  const t = btf.typeById(insn.imm);
  if (t.kind !== 'var' && t.kind !== 'func')
    env.fail('EINVAL', `pseudo btf_id ${insn.imm} in ldimm64 isn't KIND_VAR or KIND_FUNC.`);
  const address = env.kernel.symbolAddress(t.name);
  if (address === undefined) env.fail('ENOENT', `ldimm64 failed to find the address for kernel symbol '${t.name}'.`);
  const aux = env.auxAt(idx);
  aux.btfVarAddress = address;
  aux.imm64 = address;
  if (t.kind === 'func') {
    aux.btfVar = { type: R.PTR_TO_MEM | R.MEM_RDONLY, btfId: 0, memSize: 0 };
    return;
  }
  const percpu = isPercpuVar(btf, insn.imm);
  const target = btf.resolve(t.type);
  if (percpu) {
    aux.btfVar = { type: R.PTR_TO_BTF_ID | R.MEM_PERCPU, btfId: t.type, memSize: 0 };
  } else if (target.kind !== 'struct' && target.kind !== 'union') {
    let size = 0;
    try {
      size = btf.sizeOf(t.type);
    } catch {
      env.fail('EINVAL', `ldimm64 unable to resolve the size of type '${target.name}': -22`);
    }
    aux.btfVar = { type: R.PTR_TO_MEM | R.MEM_RDONLY, btfId: 0, memSize: size };
  } else {
    aux.btfVar = { type: R.PTR_TO_BTF_ID, btfId: target.id, memSize: 0 };
  }
}

const percpuVars = new WeakMap<Btf, Set<number>>();
function isPercpuVar(btf: Btf, id: number): boolean {
  let set = percpuVars.get(btf);
  if (!set) {
    const sec = btf.findByName('.data..percpu', 'datasec');
    const t = sec ? btf.typeById(sec) : undefined;
    set = new Set(t?.kind === 'datasec' ? t.vars.map((v) => v.type) : []);
    percpuVars.set(btf, set);
  }
  return set.has(id);
}

export function resolveWideLoads(env: Env): void {
  const { insns } = env;
  for (let idx = 0; idx < insns.length; idx++) {
    const insn = env.insn(idx);
    if (I.bpfClass(insn.code) === I.BPF_LDX) {
      const mode = I.bpfMode(insn.code);
      if ((mode !== I.BPF_MEM && mode !== I.BPF_MEMSX) || insn.imm !== 0)
        env.fail('EINVAL', 'BPF_LDX uses reserved fields');
    }
    if (insn.code !== I.LD_IMM64) {
      if (!isKnownOpcode(insn.code)) env.fail('EINVAL', `unknown opcode ${insn.code.toString(16).padStart(2, '0')}`);
      continue;
    }
    const high = insns[idx + 1];
    if (high?.code !== 0 || high.dst !== 0 || high.src !== 0 || high.off !== 0)
      env.fail('EINVAL', 'invalid bpf_ld_imm64 insn');
    if (insn.src === I.BPF_PSEUDO_BTF_ID) resolveBtfId(env, idx, insn, high);
    else if (insn.src === I.BPF_PSEUDO_FUNC) env.auxAt(idx).ptrTypeBits = R.PTR_TO_FUNC;
    else if (insn.src !== 0) resolveMap(env, idx, insn, high);
    idx++;
  }
}
