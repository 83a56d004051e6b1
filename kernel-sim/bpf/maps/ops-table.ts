/**
 * `struct bpf_map_ops` in guest memory: each map points to its type's table, at its symbol, from which
 * bpf_map_lookup_elem() and its kin take the function to call (Linux 6.12 include/linux/bpf.h).
 */
import type { Addr } from '../../../src/machine/addr.ts';
import type { BpfState } from '../objects/state.ts';
import type { MapLayout } from './index.ts';
import type { MapOp } from './ops.ts';
import { mapOpSymbol, mapOpsSymbol } from './table.ts';

const FIELDS: Readonly<Record<MapOp, keyof MapLayout['bpf_map_ops']>> = {
  lookup: 'map_lookup_elem',
  update: 'map_update_elem',
  delete: 'map_delete_elem',
  push: 'map_push_elem',
  pop: 'map_pop_elem',
  peek: 'map_peek_elem',
  lookup_percpu: 'map_lookup_percpu_elem',
  redirect: 'map_redirect',
  for_each: 'map_for_each_callback',
};

/** Address of a map type's table, filled when its first map is made; 0 where the type has none. */
export function mapOpsTable(state: BpfState, type: number): Addr {
  const symbol = mapOpsSymbol(type);
  if (symbol === undefined) return 0;
  const known = state.mapOps.get(symbol);
  if (known !== undefined) return known;
  const { text, memory } = state.kernel;
  const at = text.data(symbol, state.layout.bpf_map_ops.sizeof);
  state.mapOps.set(symbol, at);
  for (const op of Object.keys(FIELDS) as MapOp[]) {
    const name = mapOpSymbol(type, op);
    const target = name === undefined ? undefined : text.address(name);
    if (name === undefined || target === undefined) continue;
    memory.writeAddr(at + state.layout.bpf_map_ops[FIELDS[op]], target);
    // these are called through the table
    if (op === 'lookup' || op === 'lookup_percpu') state.helpers.define(name);
  }
  return at;
}
