/**
 * Layout of the structures that maps are made of, by the active BTF. A field that another kernel's structure has not
 * lies where the shipped kernel has it: the model needs it all the same, and that kernel's programs know nothing of it.
 */

import type { Structs } from './structs.ts';

/** Fields that maps keep in guest memory. */
const FIELDS = {
  bpf_map: [
    'ops',
    'inner_map_meta',
    'map_type',
    'key_size',
    'value_size',
    'max_entries',
    'map_extra',
    'map_flags',
    'id',
    'record',
    'numa_node',
    'btf_key_type_id',
    'btf_value_type_id',
    'btf',
    'name',
    'refcnt',
    'usercnt',
    'writecnt',
    'bypass_spec_v1',
    'frozen',
    'elem_count',
    'cookie',
  ],
  bpf_map_ops: [
    'map_lookup_elem',
    'map_update_elem',
    'map_delete_elem',
    'map_push_elem',
    'map_pop_elem',
    'map_peek_elem',
    'map_lookup_percpu_elem',
    'map_redirect',
    'map_for_each_callback',
  ],
  bpf_array: ['elem_size', 'index_mask', 'aux', 'value', 'ptrs', 'pptrs'],
  bpf_htab: ['buckets', 'elems', 'extra_elems', 'count', 'n_buckets', 'elem_size', 'hashrnd'],
  htab_elem: ['hash_node', 'ptr_to_pptr', 'lru_node', 'hash', 'key'],
  bpf_lru_node: ['list', 'cpu', 'type', 'ref'],
  bucket: ['head', 'raw_lock'],
  bpf_queue_stack: ['head', 'tail', 'size', 'elements'],
  lpm_trie: ['root', 'n_entries', 'max_prefixlen', 'data_size'],
  lpm_trie_node: ['child', 'prefixlen', 'flags', 'data'],
  bpf_bloom_filter: ['bitset_mask', 'hash_seed', 'nr_hash_funcs', 'bitset'],
  bpf_ringbuf_map: ['rb'],
  bpf_ringbuf: ['mask', 'nr_pages', 'busy', 'consumer_pos', 'producer_pos', 'pending_pos', 'data'],
  bpf_stack_map: ['elems', 'n_buckets', 'buckets'],
  stack_map_bucket: ['hash', 'nr', 'data'],
} as const;

type Fields = typeof FIELDS;
/** Offsets by structure and field, and the structure's size. */
export type MapLayout = {
  readonly [S in keyof Fields]: { readonly [F in Fields[S][number]]: number } & { readonly sizeof: number };
};

const layouts = new WeakMap<Structs, MapLayout>();
/** Layouts in the kernel whose BTF is active. */
export function layoutOf(structs: Structs): MapLayout {
  let layout = layouts.get(structs);
  if (layout === undefined) {
    const made: Record<string, Record<string, number>> = {};
    for (const [struct, fields] of Object.entries(FIELDS)) made[struct] = structs.offsets<string>(struct, fields);
    layout = made as MapLayout;
    layouts.set(structs, layout);
  }
  return layout;
}
