/** Map kinds, one row each: `bpf_map_types` of Linux 6.12 with what creating one asks for. */
import { BPF_MAP_TYPE as T } from '../../../src/uapi/index.ts';
import { ArenaMap } from './arena.ts';
import { ArrayMap, PercpuArrayMap } from './array.ts';
import { BloomFilterMap } from './bloom.ts';
import * as check from './check.ts';
import { ArrayOfMaps, CgroupArrayMap, PerfEventArrayMap, ProgArrayMap } from './fd-array.ts';
import { HashMap } from './hash.ts';
import { HashOfMaps } from './hash-of-maps.ts';
import { LpmTrieMap } from './lpm.ts';
import type { BpfMap, MapAttrs, MapContext } from './map.ts';
import { QueueStackMap } from './queue.ts';
import { RedirectMap, SockMap } from './redirect.ts';
import { RingbufMap } from './ringbuf.ts';
import { StackTraceMap } from './stack-trace.ts';
import { CgroupStorageMap, InertMap, LocalStorageMap } from './storage.ts';

/** Capability that creating the kind needs; undefined: unprivileged users may, where the sysctl lets them. */
export type MapCap = 'bpf' | 'netAdmin' | undefined;

export interface MapKind {
  readonly make: new (context: MapContext, attrs: MapAttrs) => BpfMap;
  readonly check: check.Check;
  readonly cap: MapCap;
  /** needs an inner map */
  readonly outer?: true;
}

const kind = (make: MapKind['make'], checked: check.Check, cap?: MapCap, outer?: true): MapKind =>
  outer ? { make, check: checked, cap, outer } : { make, check: checked, cap };

export const MAP_KINDS: ReadonlyMap<number, MapKind> = new Map([
  [T.HASH, kind(HashMap, check.hashCheck)],
  [T.ARRAY, kind(ArrayMap, check.arrayCheck)],
  [T.PROG_ARRAY, kind(ProgArrayMap, check.fdArrayCheck)],
  [T.PERF_EVENT_ARRAY, kind(PerfEventArrayMap, check.fdArrayCheck)],
  [T.PERCPU_HASH, kind(HashMap, check.hashCheck)],
  [T.PERCPU_ARRAY, kind(PercpuArrayMap, check.arrayCheck)],
  [T.STACK_TRACE, kind(StackTraceMap, check.stackTraceCheck, 'bpf')],
  [T.CGROUP_ARRAY, kind(CgroupArrayMap, check.fdArrayCheck)],
  [T.LRU_HASH, kind(HashMap, check.hashCheck, 'bpf')],
  [T.LRU_PERCPU_HASH, kind(HashMap, check.hashCheck, 'bpf')],
  [T.LPM_TRIE, kind(LpmTrieMap, check.lpmCheck, 'bpf')],
  [T.ARRAY_OF_MAPS, kind(ArrayOfMaps, check.fdArrayCheck, undefined, true)],
  [T.HASH_OF_MAPS, kind(HashOfMaps, check.fdHashCheck, undefined, true)],
  [T.DEVMAP, kind(RedirectMap, check.devmapCheck, 'netAdmin')],
  [T.SOCKMAP, kind(SockMap, check.sockmapCheck, 'netAdmin')],
  [T.CPUMAP, kind(RedirectMap, check.cpumapCheck, 'bpf')],
  [T.XSKMAP, kind(RedirectMap, check.xskmapCheck, 'netAdmin')],
  [T.SOCKHASH, kind(SockMap, check.sockhashCheck, 'netAdmin')],
  [T.CGROUP_STORAGE, kind(CgroupStorageMap, check.cgroupStorageCheck)],
  [T.REUSEPORT_SOCKARRAY, kind(SockMap, check.reuseportCheck, 'bpf')],
  [T.PERCPU_CGROUP_STORAGE, kind(CgroupStorageMap, check.cgroupStorageCheck)],
  [T.QUEUE, kind(QueueStackMap, check.queueCheck, 'bpf')],
  [T.STACK, kind(QueueStackMap, check.queueCheck, 'bpf')],
  [T.SK_STORAGE, kind(LocalStorageMap, check.localStorageCheck, 'bpf')],
  [T.DEVMAP_HASH, kind(RedirectMap, check.devmapHashCheck, 'netAdmin')],
  [T.STRUCT_OPS, kind(InertMap, check.structOpsCheck, 'bpf')],
  [T.RINGBUF, kind(RingbufMap, check.ringbufCheck)],
  [T.INODE_STORAGE, kind(LocalStorageMap, check.localStorageCheck, 'bpf')],
  [T.TASK_STORAGE, kind(LocalStorageMap, check.localStorageCheck, 'bpf')],
  [T.BLOOM_FILTER, kind(BloomFilterMap, check.bloomCheck, 'bpf')],
  [T.USER_RINGBUF, kind(RingbufMap, check.ringbufCheck)],
  [T.CGRP_STORAGE, kind(LocalStorageMap, check.localStorageCheck, 'bpf')],
  [T.ARENA, kind(ArenaMap, check.arenaCheck, 'bpf')],
]);
