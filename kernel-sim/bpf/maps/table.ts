/**
 * Map types, one row each: `bpf_map_types` of Linux 6.12 with what creating one asks for, the functions that programs
 * call, and what takes a lookup's place. Adding one: its class in a file beside this one, and a row.
 */

import type { Insn } from '../../../src/isa/index.ts';
import { MAP_TYPES, type MapTypeName, BPF_MAP_TYPE as T } from '../../../src/uapi/index.ts';
import type { MapFacts } from '../../../src/verifier/kernel.ts';
import { inRelease, type Versioned } from '../../data/release.ts';
import type { ContextEnv } from '../context/env.ts';
import { ArenaMap } from './arena.ts';
import { ArrayMap, PercpuArrayMap } from './array.ts';
import { BloomFilterMap } from './bloom.ts';
import * as check from './check.ts';
import { ArrayOfMaps, CgroupArrayMap, PerfEventArrayMap, ProgArrayMap } from './fd-array.ts';
import * as gen from './gen-lookup.ts';
import { HashMap } from './hash.ts';
import { HashOfMaps } from './hash-of-maps.ts';
import { LpmTrieMap } from './lpm.ts';
import type { BpfMap, MapAttrs, MapContext } from './map.ts';
import * as ops from './ops.ts';
import { QueueStackMap } from './queue.ts';
import { RedirectMap } from './redirect.ts';
import { RingbufMap } from './ringbuf.ts';
import { SockMap } from './sockets.ts';
import { StackTraceMap } from './stack-trace.ts';
import { CgroupStorageMap, LocalStorageMap } from './storage.ts';
import { StructOpsMap } from './struct-ops.ts';

/** Capability that creating the kind needs; undefined: unprivileged users may, where the sysctl lets them. */
export type MapCap = 'bpf' | 'netAdmin' | undefined;

export interface MapKind extends Versioned {
  readonly make: new (context: MapContext, attrs: MapAttrs) => BpfMap;
  readonly check: check.Check;
  readonly cap?: MapCap;
  /** needs an inner map */
  readonly outer?: true;
  /** symbol of its `struct bpf_map_ops` */
  readonly table: string;
  /** functions that programs call directly once the verifier knows which map a call is about */
  readonly ops: ops.MapOps;
  /** `map_gen_lookup`: instructions in the place of a call of bpf_map_lookup_elem; none: it is called */
  readonly genLookup?: (env: ContextEnv, map: MapFacts) => Insn[] | undefined;
  /** what is not all of Linux's, for the parity page */
  readonly note?: string;
}

const ROWS: Readonly<Record<Exclude<MapTypeName, 'unspec'>, MapKind>> = {
  hash: {
    since: '3.19',
    make: HashMap,
    check: check.hashCheck,
    table: 'htab_map_ops',
    ops: ops.htab('htab_map_lookup_elem', 'htab_map_update_elem'),
    genLookup: gen.hashLookup,
  },
  array: {
    since: '3.19',
    make: ArrayMap,
    check: check.arrayCheck,
    table: 'array_map_ops',
    ops: ops.array('array_map_lookup_elem'),
    genLookup: gen.arrayLookup,
  },
  prog_array: {
    since: '4.2',
    make: ProgArrayMap,
    check: check.fdArrayCheck,
    table: 'prog_array_map_ops',
    ops: ops.fdArray,
  },
  perf_event_array: {
    since: '4.3',
    make: PerfEventArrayMap,
    check: check.fdArrayCheck,
    table: 'perf_event_array_map_ops',
    ops: ops.fdArray,
  },
  percpu_hash: {
    since: '4.6',
    make: HashMap,
    check: check.hashCheck,
    table: 'htab_percpu_map_ops',
    ops: ops.htab('htab_percpu_map_lookup_elem', 'htab_percpu_map_update_elem', {
      lookup_percpu: 'htab_percpu_map_lookup_percpu_elem',
    }),
    genLookup: gen.percpuHashLookup,
  },
  percpu_array: {
    since: '4.6',
    make: PercpuArrayMap,
    check: check.arrayCheck,
    table: 'percpu_array_map_ops',
    ops: ops.array('percpu_array_map_lookup_elem', { lookup_percpu: 'percpu_array_map_lookup_percpu_elem' }),
    genLookup: gen.percpuArrayLookup,
  },
  stack_trace: {
    since: '4.6',
    make: StackTraceMap,
    check: check.stackTraceCheck,
    cap: 'bpf',
    table: 'stack_trace_map_ops',
    ops: ops.three('stack_map_'),
    note: 'stacks of the kernel model',
  },
  cgroup_array: {
    since: '4.8',
    make: CgroupArrayMap,
    check: check.fdArrayCheck,
    table: 'cgroup_array_map_ops',
    ops: ops.fdArray,
  },
  lru_hash: {
    since: '4.10',
    make: HashMap,
    check: check.hashCheck,
    cap: 'bpf',
    table: 'htab_lru_map_ops',
    ops: ops.htab('htab_lru_map_lookup_elem', 'htab_lru_map_update_elem', { delete: 'htab_lru_map_delete_elem' }),
    genLookup: gen.lruHashLookup,
  },
  lru_percpu_hash: {
    since: '4.10',
    make: HashMap,
    check: check.hashCheck,
    cap: 'bpf',
    table: 'htab_lru_percpu_map_ops',
    ops: ops.htab('htab_lru_percpu_map_lookup_elem', 'htab_lru_percpu_map_update_elem', {
      delete: 'htab_lru_map_delete_elem',
      lookup_percpu: 'htab_lru_percpu_map_lookup_percpu_elem',
    }),
  },
  lpm_trie: {
    since: '4.11',
    make: LpmTrieMap,
    check: check.lpmCheck,
    cap: 'bpf',
    table: 'trie_map_ops',
    ops: ops.three('trie_'),
  },
  array_of_maps: {
    since: '4.12',
    make: ArrayOfMaps,
    check: check.fdArrayCheck,
    outer: true,
    table: 'array_of_maps_map_ops',
    ops: { lookup: 'array_of_map_lookup_elem', delete: 'fd_array_map_delete_elem' },
    genLookup: gen.arrayOfMapsLookup,
  },
  hash_of_maps: {
    since: '4.12',
    make: HashOfMaps,
    check: check.fdHashCheck,
    outer: true,
    table: 'htab_of_maps_map_ops',
    ops: { lookup: 'htab_of_map_lookup_elem', delete: 'htab_map_delete_elem' },
    genLookup: gen.hashOfMapsLookup,
  },
  devmap: {
    since: '4.14',
    make: RedirectMap,
    check: check.devmapCheck,
    cap: 'netAdmin',
    table: 'dev_map_ops',
    ops: { ...ops.three('dev_map_'), redirect: 'dev_map_redirect' },
    note: 'no programs of entries',
  },
  sockmap: {
    since: '4.14',
    make: SockMap,
    check: check.sockmapCheck,
    cap: 'netAdmin',
    table: 'sock_map_ops',
    ops: { lookup: 'sock_map_lookup', update: 'sock_map_update_elem', delete: 'sock_map_delete_elem' },
    note: 'sockets by programs; user space has none to put in',
  },
  cpumap: {
    since: '4.15',
    make: RedirectMap,
    check: check.cpumapCheck,
    cap: 'bpf',
    table: 'cpu_map_ops',
    ops: { ...ops.three('cpu_map_'), redirect: 'cpu_map_redirect' },
    note: 'no programs of entries',
  },
  xskmap: {
    since: '4.18',
    make: RedirectMap,
    check: check.xskmapCheck,
    cap: 'netAdmin',
    table: 'xsk_map_ops',
    ops: { ...ops.three('xsk_map_'), redirect: 'xsk_map_redirect' },
    genLookup: gen.xskMapLookup,
    note: 'entries; AF_XDP sockets are not modelled',
  },
  sockhash: {
    since: '4.18',
    make: SockMap,
    check: check.sockhashCheck,
    cap: 'netAdmin',
    table: 'sock_hash_ops',
    ops: { lookup: 'sock_hash_lookup', update: 'sock_map_update_elem', delete: 'sock_hash_delete_elem' },
    note: 'sockets by programs; user space has none to put in',
  },
  cgroup_storage: {
    since: '4.19',
    make: CgroupStorageMap,
    check: check.cgroupStorageCheck,
    table: 'cgroup_storage_map_ops',
    ops: ops.three('cgroup_storage_'),
    note: 'storage of the root cgroup',
  },
  reuseport_sockarray: {
    since: '4.19',
    make: SockMap,
    check: check.reuseportCheck,
    cap: 'bpf',
    table: 'reuseport_array_ops',
    ops: { lookup: 'reuseport_array_lookup_elem', delete: 'reuseport_array_delete_elem' },
    note: 'sockets by programs; user space has none to put in',
  },
  percpu_cgroup_storage: {
    since: '4.20',
    make: CgroupStorageMap,
    check: check.cgroupStorageCheck,
    table: 'cgroup_storage_map_ops',
    ops: ops.three('cgroup_storage_'),
    note: 'storage of the root cgroup',
  },
  queue: {
    since: '4.20',
    make: QueueStackMap,
    check: check.queueCheck,
    cap: 'bpf',
    table: 'queue_map_ops',
    ops: ops.queue('queue'),
  },
  stack: {
    since: '4.20',
    make: QueueStackMap,
    check: check.queueCheck,
    cap: 'bpf',
    table: 'stack_map_ops',
    ops: ops.queue('stack'),
  },
  sk_storage: {
    since: '5.2',
    make: LocalStorageMap,
    check: check.localStorageCheck,
    cap: 'bpf',
    table: 'sk_storage_map_ops',
    ops: ops.three('bpf_fd_sk_storage_'),
    note: 'storage by owner',
  },
  devmap_hash: {
    since: '5.4',
    make: RedirectMap,
    check: check.devmapHashCheck,
    cap: 'netAdmin',
    table: 'dev_map_hash_ops',
    ops: { ...ops.three('dev_map_hash_'), redirect: 'dev_hash_map_redirect' },
    note: 'no programs of entries',
  },
  struct_ops: {
    since: '5.6',
    make: StructOpsMap,
    check: check.structOpsCheck,
    cap: 'bpf',
    table: 'bpf_struct_ops_map_ops',
    ops: ops.three('bpf_struct_ops_map_'),
  },
  ringbuf: {
    since: '5.8',
    make: RingbufMap,
    check: check.ringbufCheck,
    table: 'ringbuf_map_ops',
    ops: ops.three('ringbuf_map_'),
  },
  inode_storage: {
    since: '5.10',
    make: LocalStorageMap,
    check: check.localStorageCheck,
    cap: 'bpf',
    table: 'inode_storage_map_ops',
    ops: ops.three('bpf_fd_inode_storage_'),
    note: 'storage by owner',
  },
  task_storage: {
    since: '5.11',
    make: LocalStorageMap,
    check: check.localStorageCheck,
    cap: 'bpf',
    table: 'task_storage_map_ops',
    ops: ops.three('bpf_pid_task_storage_'),
    note: 'storage by owner',
  },
  bloom_filter: {
    since: '5.16',
    make: BloomFilterMap,
    check: check.bloomCheck,
    cap: 'bpf',
    table: 'bloom_filter_map_ops',
    ops: ops.five('bloom_map_'),
  },
  user_ringbuf: {
    since: '6.1',
    make: RingbufMap,
    check: check.ringbufCheck,
    table: 'user_ringbuf_map_ops',
    ops: ops.three('ringbuf_map_'),
  },
  cgrp_storage: {
    since: '6.2',
    make: LocalStorageMap,
    check: check.localStorageCheck,
    cap: 'bpf',
    table: 'cgrp_storage_map_ops',
    ops: ops.three('bpf_cgrp_storage_'),
    note: 'storage by owner',
  },
  arena: {
    since: '6.9',
    make: ArenaMap,
    check: check.arenaCheck,
    cap: 'bpf',
    table: 'arena_map_ops',
    ops: ops.five('arena_map_'),
  },
};

/** Kinds whose `map_alloc` looks at the attributes, behind the capability; the others' `map_alloc_check` does so in front of it. */
export const CHECKS_LATE: readonly number[] = [
  ...[T.STACK_TRACE, T.LPM_TRIE, T.SOCKMAP, T.SOCKHASH, T.CPUMAP, T.XSKMAP],
  ...[T.CGROUP_STORAGE, T.PERCPU_CGROUP_STORAGE, T.RINGBUF, T.USER_RINGBUF, T.BLOOM_FILTER, T.ARENA],
];

/** Kinds whose keys and values take no BTF (`map_check_no_btf`). */
export const TAKES_NO_BTF: readonly number[] = [
  ...[T.PERF_EVENT_ARRAY, T.CGROUP_ARRAY, T.ARRAY_OF_MAPS, T.HASH_OF_MAPS, T.STACK_TRACE, T.QUEUE],
  ...[T.STACK, T.CPUMAP, T.DEVMAP, T.DEVMAP_HASH, T.XSKMAP, T.SOCKMAP, T.SOCKHASH],
];

export const MAP_KINDS: ReadonlyMap<number, MapKind> = new Map(
  Object.entries(ROWS)
    .filter(([, kind]) => inRelease(kind))
    .map(([name, kind]) => [MAP_TYPES.indexOf(name as MapTypeName), kind]),
);

/** The kernel function of a map operation; undefined where the type has none. */
export const mapOpSymbol = (type: number, op: ops.MapOp): string | undefined => MAP_KINDS.get(type)?.ops[op];
/** Symbol of a map type's `struct bpf_map_ops`. */
export const mapOpsSymbol = (type: number): string | undefined => MAP_KINDS.get(type)?.table;
/** Instructions for a lookup in a map, undefined where it is called instead. */
export const mapGenLookup = (env: ContextEnv, map: MapFacts): Insn[] | undefined =>
  MAP_KINDS.get(map.type)?.genLookup?.(env, map);
