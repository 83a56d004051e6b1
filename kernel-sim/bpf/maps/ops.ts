/**
 * `struct bpf_map_ops` of each map type: the functions that programs call directly once the
 * verifier knows which map a call is about. Linux 6.12, kernel/bpf/*.c and net/.
 */

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

export const htab = (lookup: string, update: string, more: MapOps = {}): MapOps => ({
  lookup,
  update,
  delete: 'htab_map_delete_elem',
  for_each: 'bpf_for_each_hash_elem',
  ...more,
});
export const array = (lookup: string, more: MapOps = {}): MapOps => ({
  lookup,
  update: 'array_map_update_elem',
  delete: 'array_map_delete_elem',
  for_each: 'bpf_for_each_array_elem',
  ...more,
});
export const fdArray: MapOps = { lookup: 'fd_array_map_lookup_elem', delete: 'fd_array_map_delete_elem' };
/** lookup, update and delete that share a prefix */
export const three = (prefix: string, suffix = '_elem'): MapOps => ({
  lookup: `${prefix}lookup${suffix}`,
  update: `${prefix}update${suffix}`,
  delete: `${prefix}delete${suffix}`,
});
export const five = (prefix: string): MapOps => ({
  ...three(prefix),
  push: `${prefix}push_elem`,
  pop: `${prefix}pop_elem`,
  peek: `${prefix}peek_elem`,
});
export const queue = (name: string): MapOps => ({
  ...three('queue_stack_map_'),
  push: 'queue_stack_map_push_elem',
  pop: `${name}_map_pop_elem`,
  peek: `${name}_map_peek_elem`,
});
