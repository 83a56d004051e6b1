/**
 * Layout of the structures that maps are made of, as Linux 6.12 of this configuration lays them out
 * (pahole on its BTF); another kernel's BTF replaces the offsets that it knows.
 */

import type { Structs } from './structs.ts';

const LINUX_6_12 = {
  bpf_map: {
    ops: 0,
    inner_map_meta: 8,
    map_type: 24,
    key_size: 28,
    value_size: 32,
    max_entries: 36,
    map_extra: 40,
    map_flags: 48,
    id: 52,
    numa_node: 64,
    btf_key_type_id: 68,
    btf_value_type_id: 72,
    btf: 80,
    name: 96,
    refcnt: 144,
    usercnt: 152,
    writecnt: 192,
    bypass_spec_v1: 216,
    frozen: 217,
    elem_count: 232,
    cookie: 240,
    sizeof: 248,
  },
  bpf_map_ops: {
    map_lookup_elem: 96,
    map_update_elem: 104,
    map_delete_elem: 112,
    map_push_elem: 120,
    map_pop_elem: 128,
    map_peek_elem: 136,
    map_lookup_percpu_elem: 144,
    map_redirect: 288,
    map_for_each_callback: 312,
    sizeof: 344,
  },
  bpf_array: { elem_size: 248, index_mask: 252, aux: 256, value: 264, ptrs: 264, pptrs: 264, sizeof: 264 },
  bpf_htab: {
    buckets: 408,
    elems: 416,
    extra_elems: 704,
    count: 752,
    n_buckets: 760,
    elem_size: 764,
    hashrnd: 768,
    sizeof: 896,
  },
  htab_elem: { hash_node: 0, ptr_to_pptr: 16, lru_node: 16, hash: 40, key: 48, sizeof: 48 },
  bpf_lru_node: { list: 0, cpu: 16, type: 18, ref: 19, sizeof: 24 },
  bucket: { head: 0, raw_lock: 8, sizeof: 16 },
  bpf_queue_stack: { head: 252, tail: 256, size: 260, elements: 264, sizeof: 264 },
  lpm_trie: { root: 248, n_entries: 256, max_prefixlen: 264, data_size: 272, sizeof: 288 },
  lpm_trie_node: { child: 16, prefixlen: 32, flags: 36, data: 40, sizeof: 40 },
  bpf_bloom_filter: { bitset_mask: 248, hash_seed: 252, nr_hash_funcs: 256, bitset: 264, sizeof: 264 },
  bpf_ringbuf_map: { rb: 248, sizeof: 256 },
  bpf_ringbuf: {
    mask: 56,
    nr_pages: 72,
    busy: 192,
    consumer_pos: 4096,
    producer_pos: 8192,
    pending_pos: 8200,
    data: 12288,
    sizeof: 12288,
  },
  bpf_stack_map: { elems: 248, n_buckets: 280, buckets: 288, sizeof: 288 },
  stack_map_bucket: { hash: 8, nr: 12, data: 16, sizeof: 16 },
} as const;

type Tables = typeof LINUX_6_12;
export type MapLayout = { readonly [S in keyof Tables]: { readonly [F in keyof Tables[S]]: number } };

const layouts = new WeakMap<Structs, MapLayout>();
/** Layouts in the kernel whose BTF is active. */
export function layoutOf(structs: Structs): MapLayout {
  let layout = layouts.get(structs);
  if (layout === undefined) {
    // for the kernel that ships the table is right as it is, and its BTF need not be read
    layout = mapLayout((struct, field) => {
      if (!structs.foreign || !structs.has(struct)) return undefined;
      const of = structs.of(struct);
      if (field === 'sizeof') return of.size;
      return of.has(field) ? of.offset(field) : undefined;
    });
    layouts.set(structs, layout);
  }
  return layout;
}

function mapLayout(offsetOf: (struct: string, field: string) => number | undefined): MapLayout {
  const out: Record<string, Record<string, number>> = {};
  for (const [struct, fields] of Object.entries(LINUX_6_12)) {
    out[struct] = {};
    for (const [field, known] of Object.entries(fields)) out[struct][field] = offsetOf(struct, field) ?? known;
  }
  return out as MapLayout;
}
