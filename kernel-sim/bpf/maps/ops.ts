/**
 * `struct bpf_map_ops` of each map type: the functions that programs call directly once the
 * verifier knows which map a call is about. Linux 6.12, kernel/bpf/*.c and net/.
 */
import { MAP_TYPES } from '../../../src/uapi/index.ts';

/** Operations that a helper call becomes a direct call of. */
export type MapOp =
  | 'lookup'
  | 'update'
  | 'delete'
  | 'push'
  | 'pop'
  | 'peek'
  | 'redirect'
  | 'for_each'
  | 'lookup_percpu';

export type MapOps = Partial<Record<MapOp, string>>;

const htab = (lookup: string, update: string, more: MapOps = {}): MapOps => ({
  lookup,
  update,
  delete: 'htab_map_delete_elem',
  for_each: 'bpf_for_each_hash_elem',
  ...more,
});
const array = (lookup: string, more: MapOps = {}): MapOps => ({
  lookup,
  update: 'array_map_update_elem',
  delete: 'array_map_delete_elem',
  for_each: 'bpf_for_each_array_elem',
  ...more,
});
const fdArray: MapOps = { lookup: 'fd_array_map_lookup_elem', delete: 'fd_array_map_delete_elem' };
/** lookup, update and delete that share a prefix */
const three = (prefix: string, suffix = '_elem'): MapOps => ({
  lookup: `${prefix}lookup${suffix}`,
  update: `${prefix}update${suffix}`,
  delete: `${prefix}delete${suffix}`,
});
const five = (prefix: string): MapOps => ({
  ...three(prefix),
  push: `${prefix}push_elem`,
  pop: `${prefix}pop_elem`,
  peek: `${prefix}peek_elem`,
});
const queue = (name: string): MapOps => ({
  ...three('queue_stack_map_'),
  push: 'queue_stack_map_push_elem',
  pop: `${name}_map_pop_elem`,
  peek: `${name}_map_peek_elem`,
});

const TABLE: Readonly<Record<string, MapOps>> = {
  hash: htab('htab_map_lookup_elem', 'htab_map_update_elem'),
  array: array('array_map_lookup_elem'),
  prog_array: fdArray,
  perf_event_array: fdArray,
  percpu_hash: htab('htab_percpu_map_lookup_elem', 'htab_percpu_map_update_elem', {
    lookup_percpu: 'htab_percpu_map_lookup_percpu_elem',
  }),
  percpu_array: array('percpu_array_map_lookup_elem', { lookup_percpu: 'percpu_array_map_lookup_percpu_elem' }),
  stack_trace: three('stack_map_'),
  cgroup_array: fdArray,
  lru_hash: htab('htab_lru_map_lookup_elem', 'htab_lru_map_update_elem', { delete: 'htab_lru_map_delete_elem' }),
  lru_percpu_hash: htab('htab_lru_percpu_map_lookup_elem', 'htab_lru_percpu_map_update_elem', {
    delete: 'htab_lru_map_delete_elem',
    lookup_percpu: 'htab_lru_percpu_map_lookup_percpu_elem',
  }),
  lpm_trie: three('trie_'),
  array_of_maps: { lookup: 'array_of_map_lookup_elem', delete: 'fd_array_map_delete_elem' },
  hash_of_maps: { lookup: 'htab_of_map_lookup_elem', delete: 'htab_map_delete_elem' },
  devmap: { ...three('dev_map_'), redirect: 'dev_map_redirect' },
  sockmap: { lookup: 'sock_map_lookup', update: 'sock_map_update_elem', delete: 'sock_map_delete_elem' },
  cpumap: { ...three('cpu_map_'), redirect: 'cpu_map_redirect' },
  xskmap: { ...three('xsk_map_'), redirect: 'xsk_map_redirect' },
  sockhash: { lookup: 'sock_hash_lookup', update: 'sock_map_update_elem', delete: 'sock_hash_delete_elem' },
  cgroup_storage: three('cgroup_storage_'),
  reuseport_sockarray: { lookup: 'reuseport_array_lookup_elem', delete: 'reuseport_array_delete_elem' },
  percpu_cgroup_storage: three('cgroup_storage_'),
  queue: queue('queue'),
  stack: queue('stack'),
  sk_storage: three('bpf_fd_sk_storage_'),
  devmap_hash: { ...three('dev_map_hash_'), redirect: 'dev_hash_map_redirect' },
  struct_ops: three('bpf_struct_ops_map_'),
  ringbuf: three('ringbuf_map_'),
  inode_storage: three('bpf_fd_inode_storage_'),
  task_storage: three('bpf_pid_task_storage_'),
  bloom_filter: five('bloom_map_'),
  user_ringbuf: three('ringbuf_map_'),
  cgrp_storage: three('bpf_cgrp_storage_'),
  arena: five('arena_map_'),
};

/** The kernel function of a map operation; undefined where the type has none. */
export const mapOpSymbol = (type: number, op: MapOp): string | undefined => TABLE[MAP_TYPES[type] ?? '']?.[op];

/** The `struct bpf_map_ops` of each map type: where the kernel keeps it. */
const OPS_SYMBOLS: Readonly<Record<string, string>> = {
  hash: 'htab_map_ops',
  array: 'array_map_ops',
  prog_array: 'prog_array_map_ops',
  perf_event_array: 'perf_event_array_map_ops',
  percpu_hash: 'htab_percpu_map_ops',
  percpu_array: 'percpu_array_map_ops',
  stack_trace: 'stack_trace_map_ops',
  cgroup_array: 'cgroup_array_map_ops',
  lru_hash: 'htab_lru_map_ops',
  lru_percpu_hash: 'htab_lru_percpu_map_ops',
  lpm_trie: 'trie_map_ops',
  array_of_maps: 'array_of_maps_map_ops',
  hash_of_maps: 'htab_of_maps_map_ops',
  devmap: 'dev_map_ops',
  sockmap: 'sock_map_ops',
  cpumap: 'cpu_map_ops',
  xskmap: 'xsk_map_ops',
  sockhash: 'sock_hash_ops',
  cgroup_storage: 'cgroup_storage_map_ops',
  reuseport_sockarray: 'reuseport_array_ops',
  percpu_cgroup_storage: 'cgroup_storage_map_ops',
  queue: 'queue_map_ops',
  stack: 'stack_map_ops',
  sk_storage: 'sk_storage_map_ops',
  devmap_hash: 'dev_map_hash_ops',
  struct_ops: 'bpf_struct_ops_map_ops',
  ringbuf: 'ringbuf_map_ops',
  inode_storage: 'inode_storage_map_ops',
  task_storage: 'task_storage_map_ops',
  bloom_filter: 'bloom_filter_map_ops',
  user_ringbuf: 'user_ringbuf_map_ops',
  cgrp_storage: 'cgrp_storage_map_ops',
  arena: 'arena_map_ops',
};

/** Symbol of a map type's `struct bpf_map_ops`. */
export const mapOpsSymbol = (type: number): string | undefined => OPS_SYMBOLS[MAP_TYPES[type] ?? ''];
