/** Which helpers take which maps (check_map_func_compatibility()): two tables, asked both ways. */

import type { Env } from '../env/env.ts';
import type { MapFacts } from '../kernel.ts';
import { ATTACH, MAP, PROG } from '../kinds.ts';

const perf = ['perf_event_read', 'perf_event_output', 'skb_output', 'perf_event_read_value', 'xdp_output'];
const ringbuf = [
  'ringbuf_output',
  'ringbuf_reserve',
  'ringbuf_query',
  'ringbuf_reserve_dynptr',
  'ringbuf_submit_dynptr',
  'ringbuf_discard_dynptr',
];

/** map type → the only helpers that take it */
const helpersOf: Readonly<Record<number, readonly string[]>> = {
  [MAP.PROG_ARRAY]: ['tail_call'],
  [MAP.PERF_EVENT_ARRAY]: perf,
  [MAP.RINGBUF]: ringbuf,
  [MAP.USER_RINGBUF]: ['user_ringbuf_drain'],
  [MAP.STACK_TRACE]: ['get_stackid'],
  [MAP.CGROUP_ARRAY]: ['skb_under_cgroup', 'current_task_under_cgroup'],
  [MAP.CGROUP_STORAGE]: ['get_local_storage'],
  [MAP.PERCPU_CGROUP_STORAGE]: ['get_local_storage'],
  [MAP.DEVMAP]: ['redirect_map', 'map_lookup_elem'],
  [MAP.DEVMAP_HASH]: ['redirect_map', 'map_lookup_elem'],
  [MAP.CPUMAP]: ['redirect_map'],
  [MAP.XSKMAP]: ['redirect_map', 'map_lookup_elem'],
  [MAP.ARRAY_OF_MAPS]: ['map_lookup_elem'],
  [MAP.HASH_OF_MAPS]: ['map_lookup_elem'],
  [MAP.SOCKMAP]: ['sk_redirect_map', 'sock_map_update', 'msg_redirect_map', 'sk_select_reuseport', 'map_lookup_elem'],
  [MAP.SOCKHASH]: [
    'sk_redirect_hash',
    'sock_hash_update',
    'msg_redirect_hash',
    'sk_select_reuseport',
    'map_lookup_elem',
  ],
  [MAP.REUSEPORT_SOCKARRAY]: ['sk_select_reuseport'],
  [MAP.QUEUE]: ['map_peek_elem', 'map_pop_elem', 'map_push_elem'],
  [MAP.STACK]: ['map_peek_elem', 'map_pop_elem', 'map_push_elem'],
  [MAP.SK_STORAGE]: ['sk_storage_get', 'sk_storage_delete', 'kptr_xchg'],
  [MAP.INODE_STORAGE]: ['inode_storage_get', 'inode_storage_delete', 'kptr_xchg'],
  [MAP.TASK_STORAGE]: ['task_storage_get', 'task_storage_delete', 'kptr_xchg'],
  [MAP.CGRP_STORAGE]: ['cgrp_storage_get', 'cgrp_storage_delete', 'kptr_xchg'],
  [MAP.BLOOM_FILTER]: ['map_peek_elem', 'map_push_elem'],
};

const storage = (map: number): readonly number[] => [map];
/** helper → the only map types that it takes */
const mapsOf: ReadonlyMap<string, readonly number[]> = new Map<string, readonly number[]>([
  ['tail_call', [MAP.PROG_ARRAY]],
  ...perf.map((name): [string, readonly number[]] => [name, [MAP.PERF_EVENT_ARRAY]]),
  ...ringbuf.map((name): [string, readonly number[]] => [name, [MAP.RINGBUF]]),
  ['user_ringbuf_drain', [MAP.USER_RINGBUF]],
  ['get_stackid', [MAP.STACK_TRACE]],
  ['current_task_under_cgroup', [MAP.CGROUP_ARRAY]],
  ['skb_under_cgroup', [MAP.CGROUP_ARRAY]],
  ['redirect_map', [MAP.DEVMAP, MAP.DEVMAP_HASH, MAP.CPUMAP, MAP.XSKMAP]],
  ['sk_redirect_map', [MAP.SOCKMAP]],
  ['msg_redirect_map', [MAP.SOCKMAP]],
  ['sock_map_update', [MAP.SOCKMAP]],
  ['sk_redirect_hash', [MAP.SOCKHASH]],
  ['msg_redirect_hash', [MAP.SOCKHASH]],
  ['sock_hash_update', [MAP.SOCKHASH]],
  ['get_local_storage', [MAP.CGROUP_STORAGE, MAP.PERCPU_CGROUP_STORAGE]],
  ['sk_select_reuseport', [MAP.REUSEPORT_SOCKARRAY, MAP.SOCKMAP, MAP.SOCKHASH]],
  ['map_pop_elem', [MAP.QUEUE, MAP.STACK]],
  ['map_peek_elem', [MAP.QUEUE, MAP.STACK, MAP.BLOOM_FILTER]],
  ['map_push_elem', [MAP.QUEUE, MAP.STACK, MAP.BLOOM_FILTER]],
  ['map_lookup_percpu_elem', [MAP.PERCPU_ARRAY, MAP.PERCPU_HASH, MAP.LRU_PERCPU_HASH]],
  ['sk_storage_get', storage(MAP.SK_STORAGE)],
  ['sk_storage_delete', storage(MAP.SK_STORAGE)],
  ['inode_storage_get', storage(MAP.INODE_STORAGE)],
  ['inode_storage_delete', storage(MAP.INODE_STORAGE)],
  ['task_storage_get', storage(MAP.TASK_STORAGE)],
  ['task_storage_delete', storage(MAP.TASK_STORAGE)],
  ['cgrp_storage_get', storage(MAP.CGRP_STORAGE)],
  ['cgrp_storage_delete', storage(MAP.CGRP_STORAGE)],
]);

const sockmapUpdaters: readonly number[] = [
  PROG.SOCKET_FILTER,
  PROG.SCHED_CLS,
  PROG.SCHED_ACT,
  PROG.XDP,
  PROG.SK_REUSEPORT,
  PROG.FLOW_DISSECTOR,
  PROG.SK_LOOKUP,
];

/** `may_update_sockmap` */
function mayUpdateSockmap(env: Env, helper: string): boolean {
  if (helper !== 'map_update_elem' && helper !== 'map_delete_elem') return false;
  const { type, expectedAttachType } = env.input;
  if (sockmapUpdaters.includes(type)) return true;
  if (type === PROG.TRACING && expectedAttachType === ATTACH.TRACE_ITER) return true;
  if (type === PROG.SOCK_OPS && helper === 'map_delete_elem') return true;
  env.say('cannot update sockmap in this context');
  return false;
}

export function checkMapHelper(env: Env, map: MapFacts | undefined, helper: string, id: number): void {
  if (!map) return;
  const sockmap = map.type === MAP.SOCKMAP || map.type === MAP.SOCKHASH;
  const only = helpersOf[map.type];
  let ok =
    !only || only.includes(helper) || (sockmap && helper === 'map_delete_elem' && env.input.type === PROG.SOCK_OPS);
  if (!ok && sockmap) ok = mayUpdateSockmap(env, helper);
  const maps = mapsOf.get(helper);
  if (ok && (!maps || maps.includes(map.type))) return;
  env.fail('EINVAL', `cannot pass map_type ${map.type} into func bpf_${helper}#${id}`);
}
