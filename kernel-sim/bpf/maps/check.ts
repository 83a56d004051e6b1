/**
 * What MAP_CREATE asks of each kind's attributes (`map_alloc_check` and the beginning of `map_alloc`), in the
 * order in which Linux 6.12 asks: each rule answers an error name, or undefined where it is content.
 */

import {
  BPF_F_CLONE,
  BPF_F_INNER_MAP,
  BPF_F_LINK,
  BPF_F_MMAPABLE,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_NO_USER_CONV,
  BPF_F_NUMA_NODE,
  BPF_F_PRESERVE_ELEMS,
  BPF_F_RDONLY,
  BPF_F_RDONLY_PROG,
  BPF_F_SEGV_ON_FAULT,
  BPF_F_STACK_BUILD_ID,
  BPF_F_VTYPE_BTF_OBJ_FD,
  BPF_F_WRONLY,
  BPF_F_WRONLY_PROG,
  BPF_F_ZERO_SEED,
  BPF_MAP_TYPE as T,
} from '../../../src/uapi/index.ts';
import type { Errno } from '../../core/errno.ts';

/** What is checked: numbers as user space gave them. */
export interface CheckedAttrs {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: number;
  readonly hasNumaNode: boolean;
  readonly hasBtf: boolean;
  readonly vmlinuxValueType: number;
  readonly sysAdmin: boolean;
}
export type Check = (a: CheckedAttrs) => Errno | undefined;

const ACCESS = BPF_F_RDONLY | BPF_F_RDONLY_PROG | BPF_F_WRONLY | BPF_F_WRONLY_PROG;
const KMALLOC_MAX = 1 << 22;
/** PCPU_MIN_UNIT_SIZE: the largest per-CPU object */
const PERCPU_MAX = 32 << 10;
const HTAB_ELEM = 48;
/** sysctl kernel.perf_event_max_stack */
const MAX_STACK = 127;
const NR_CPUS = 8192;
/** BPF_LOCAL_STORAGE_MAX_VALUE_SIZE */
const LOCAL_STORAGE_MAX = 65536 - 96;
const MAX_BPF_STACK = 512;

const roundUp8 = (n: number): number => Math.ceil(n / 8) * 8;
const flagsOutside = (a: CheckedAttrs, allowed: number): boolean => (a.flags & ~allowed) !== 0;
const accessClash = (a: CheckedAttrs): boolean =>
  (a.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) === (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG);

export const arrayCheck: Check = (a) => {
  const percpu = a.type === T.PERCPU_ARRAY;
  const flags = BPF_F_NUMA_NODE | BPF_F_MMAPABLE | ACCESS | BPF_F_PRESERVE_ELEMS | BPF_F_INNER_MAP;
  if (a.maxEntries === 0 || a.keySize !== 4 || a.valueSize === 0 || flagsOutside(a, flags) || accessClash(a))
    return 'EINVAL';
  if (percpu && a.hasNumaNode) return 'EINVAL';
  if (a.type !== T.ARRAY && a.flags & (BPF_F_MMAPABLE | BPF_F_INNER_MAP)) return 'EINVAL';
  if (a.type !== T.PERF_EVENT_ARRAY && a.flags & BPF_F_PRESERVE_ELEMS) return 'EINVAL';
  if (a.valueSize > 0x7fff_ffff) return 'E2BIG';
  return percpu && roundUp8(a.valueSize) > PERCPU_MAX ? 'E2BIG' : undefined;
};

export const fdArrayCheck: Check = (a) => {
  if (a.valueSize !== 4 || a.flags & (BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG)) return 'EINVAL';
  return arrayCheck(a);
};

export const hashCheck: Check = (a) => {
  const percpu = a.type === T.PERCPU_HASH || a.type === T.LRU_PERCPU_HASH;
  const lru = a.type === T.LRU_HASH || a.type === T.LRU_PERCPU_HASH;
  const percpuLru = (a.flags & BPF_F_NO_COMMON_LRU) !== 0;
  if (a.flags & BPF_F_ZERO_SEED && !a.sysAdmin) return 'EPERM';
  const flags = BPF_F_NO_PREALLOC | BPF_F_NO_COMMON_LRU | BPF_F_NUMA_NODE | ACCESS | BPF_F_ZERO_SEED;
  if (flagsOutside(a, flags) || accessClash(a)) return 'EINVAL';
  if (!lru && percpuLru) return 'EINVAL';
  if (lru && a.flags & BPF_F_NO_PREALLOC) return 'ENOTSUPP';
  if (a.hasNumaNode && (percpu || percpuLru)) return 'EINVAL';
  if (a.maxEntries === 0 || a.keySize === 0 || a.valueSize === 0) return 'EINVAL';
  if (a.keySize + a.valueSize >= KMALLOC_MAX - HTAB_ELEM) return 'E2BIG';
  if (percpu && roundUp8(a.valueSize) > PERCPU_MAX) return 'E2BIG';
  // the table of buckets would not fit 32 bits
  return a.maxEntries > 2 ** 31 || 2 ** Math.ceil(Math.log2(a.maxEntries)) > 0xffff_ffff / 16 ? 'E2BIG' : undefined;
};

export const fdHashCheck: Check = (a) => (a.valueSize !== 4 ? 'EINVAL' : hashCheck(a));

export const lpmCheck: Check = (a) => {
  const bad =
    a.maxEntries === 0 ||
    !(a.flags & BPF_F_NO_PREALLOC) ||
    flagsOutside(a, BPF_F_NO_PREALLOC | BPF_F_NUMA_NODE | ACCESS) ||
    accessClash(a) ||
    a.keySize < 5 ||
    a.keySize > 260 ||
    a.valueSize < 1 ||
    a.valueSize > KMALLOC_MAX - 256 - 40;
  return bad ? 'EINVAL' : undefined;
};

export const queueCheck: Check = (a) => {
  const flags = BPF_F_NUMA_NODE | ACCESS;
  if (a.maxEntries === 0 || a.keySize !== 0 || a.valueSize === 0 || flagsOutside(a, flags) || accessClash(a))
    return 'EINVAL';
  // its slots, one of which stays free
  return a.valueSize > KMALLOC_MAX || (a.maxEntries + 1) * a.valueSize > 0xffff_ffff ? 'E2BIG' : undefined;
};

export const bloomCheck: Check = (a) => {
  // before all else, as bloom_map_alloc_check does
  if (a.valueSize > KMALLOC_MAX) return 'E2BIG';
  const flags = BPF_F_NUMA_NODE | BPF_F_ZERO_SEED | ACCESS;
  const bad =
    a.keySize !== 0 ||
    a.valueSize === 0 ||
    a.maxEntries === 0 ||
    flagsOutside(a, flags) ||
    accessClash(a) ||
    a.mapExtra > 15;
  return bad ? 'EINVAL' : undefined;
};

export const stackTraceCheck: Check = (a) => {
  if (flagsOutside(a, BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY | BPF_F_STACK_BUILD_ID)) return 'EINVAL';
  if (a.maxEntries === 0 || a.keySize !== 4 || a.valueSize < 8 || a.valueSize % 8 !== 0) return 'EINVAL';
  const frame = a.flags & BPF_F_STACK_BUILD_ID ? 32 : 8;
  if (a.valueSize % frame !== 0 || a.valueSize / frame > MAX_STACK) return 'EINVAL';
  return a.maxEntries > 2 ** 31 ? 'E2BIG' : undefined;
};

const slotCheck =
  (valueSizes: readonly number[], flags: number): Check =>
  (a) =>
    a.maxEntries === 0 || a.keySize !== 4 || !valueSizes.includes(a.valueSize) || flagsOutside(a, flags)
      ? 'EINVAL'
      : undefined;

export const devmapCheck: Check = slotCheck([4, 8], BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY);
export const xskmapCheck: Check = slotCheck([4], BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY);
export const sockmapCheck: Check = (a) =>
  slotCheck([4, 8], BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY)(a) ??
  (a.maxEntries > 0xffff_ffff / 8 ? 'EINVAL' : undefined);
export const cpumapCheck: Check = (a) =>
  slotCheck([4, 8], BPF_F_NUMA_NODE)(a) ?? (a.maxEntries > NR_CPUS ? 'E2BIG' : undefined);
export const devmapHashCheck: Check = (a) => devmapCheck(a) ?? (a.maxEntries > 2 ** 31 ? 'EINVAL' : undefined);

export const sockhashCheck: Check = (a) => {
  const flags = BPF_F_NUMA_NODE | BPF_F_RDONLY | BPF_F_WRONLY;
  if (a.maxEntries === 0 || a.keySize === 0 || ![4, 8].includes(a.valueSize) || flagsOutside(a, flags)) return 'EINVAL';
  if (a.keySize > MAX_BPF_STACK) return 'E2BIG';
  // buckets, a power of two, of 16 bytes each
  return 2 ** Math.ceil(Math.log2(a.maxEntries)) > 0xffff_ffff / 16 ? 'EINVAL' : undefined;
};

export const reuseportCheck: Check = (a) => (a.valueSize !== 4 && a.valueSize !== 8 ? 'EINVAL' : arrayCheck(a));

export const cgroupStorageCheck: Check = (a) => {
  const max = a.type === T.PERCPU_CGROUP_STORAGE ? PERCPU_MAX : LOCAL_STORAGE_MAX;
  if ((a.keySize !== 16 && a.keySize !== 8) || a.valueSize === 0) return 'EINVAL';
  if (a.valueSize > max) return 'E2BIG';
  return flagsOutside(a, BPF_F_NUMA_NODE | ACCESS) || accessClash(a) || a.maxEntries !== 0 ? 'EINVAL' : undefined;
};

export const localStorageCheck: Check = (a) => {
  const bad =
    flagsOutside(a, BPF_F_NO_PREALLOC | BPF_F_CLONE) ||
    !(a.flags & BPF_F_NO_PREALLOC) ||
    a.maxEntries !== 0 ||
    a.keySize !== 4 ||
    a.valueSize === 0 ||
    !a.hasBtf;
  if (bad) return 'EINVAL';
  return a.valueSize > LOCAL_STORAGE_MAX ? 'E2BIG' : undefined;
};

export const structOpsCheck: Check = (a) =>
  a.keySize !== 4 || a.maxEntries !== 1 || flagsOutside(a, BPF_F_LINK | BPF_F_VTYPE_BTF_OBJ_FD) || !a.vmlinuxValueType
    ? 'EINVAL'
    : undefined;

export const ringbufCheck: Check = (a) => {
  const entries = a.maxEntries;
  const powerOfTwo = entries !== 0 && (entries & (entries - 1)) === 0;
  return flagsOutside(a, BPF_F_NUMA_NODE) || a.keySize !== 0 || a.valueSize !== 0 || !powerOfTwo || entries % 4096 !== 0
    ? 'EINVAL'
    : undefined;
};

export const arenaCheck: Check = (a) => {
  const bad =
    a.keySize !== 0 ||
    a.valueSize !== 0 ||
    a.maxEntries === 0 ||
    !(a.flags & BPF_F_MMAPABLE) ||
    flagsOutside(a, BPF_F_SEGV_ON_FAULT | BPF_F_MMAPABLE | BPF_F_NO_USER_CONV);
  if (bad || a.mapExtra % 4096 !== 0) return 'EINVAL';
  return a.maxEntries * 4096 > 2 ** 32 ? 'E2BIG' : undefined;
};
