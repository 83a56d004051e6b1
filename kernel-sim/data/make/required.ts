/**
 * What the tables of helpers, kfuncs, map operations and contexts ask of a kernel: symbols that calls
 * become addresses of, structures that conversions read offsets from. A built-in kernel must have them;
 * a user's (`--kallsyms`, `--btf`) is asked when a program needs one.
 */

import { MAP_TYPES } from '../../../src/uapi/index.ts';
import { FUNC_MAX_ID, helperRows, protoOf } from '../../bpf/helpers/index.ts';
import { KFUNCS } from '../../bpf/kfuncs/table.ts';
import type { MapOp } from '../../bpf/maps/ops.ts';
import { mapOpSymbol, mapOpsSymbol } from '../../bpf/maps/table.ts';

const MAP_OPS: readonly MapOp[] = [
  'lookup',
  'update',
  'delete',
  'push',
  'pop',
  'peek',
  'redirect',
  'for_each',
  'lookup_percpu',
];

/** Symbols that rewrites name themselves. */
const OWN_SYMBOLS = [
  '__bpf_call_base',
  '__htab_map_lookup_elem',
  '__static_call_return0',
  'bpf_dynptr_from_skb_rdonly',
  'bpf_skb_load_helper_8_no_cache',
  'bpf_skb_load_helper_16_no_cache',
  'bpf_skb_load_helper_32_no_cache',
  'jiffies',
  'pcpu_hot',
  'this_cpu_off',
];

/** Every kernel symbol that a rewritten program may refer to. */
export function requiredSymbols(): string[] {
  const names = new Set(OWN_SYMBOLS);
  for (let id = 1; id < FUNC_MAX_ID; id++) {
    for (const row of helperRows(id)) {
      const { symbol } = protoOf(row);
      if (symbol !== undefined && row.config === undefined) names.add(symbol);
    }
  }
  MAP_TYPES.forEach((_, type) => {
    const ops = mapOpsSymbol(type);
    if (ops !== undefined) names.add(ops);
    for (const op of MAP_OPS) {
      const symbol = mapOpSymbol(type, op);
      if (symbol !== undefined) names.add(symbol);
    }
  });
  for (const { name } of KFUNCS) names.add(name);
  return [...names].sort();
}

/** Structures whose members conversions, inlined operations and iterators read. */
export const REQUIRED_STRUCTS: readonly string[] = [
  ...['bpf_array', 'bpf_cg_run_ctx', 'bpf_flow_dissector', 'bpf_lru_node', 'bpf_perf_event_data_kern', 'bpf_prog'],
  ...['bpf_sk_lookup_kern', 'bpf_skb_data_end', 'bpf_sock_addr_kern', 'bpf_sock_ops_kern', 'bpf_sockopt_kern'],
  ...['bpf_sysctl_kern', 'htab_elem', 'in6_addr', 'in_addr', 'inet_connection_sock', 'net_device', 'pcpu_hot'],
  ...['perf_sample_data', 'pt_regs', 'qdisc_skb_cb', 'sk_buff', 'sk_msg', 'sk_reuseport_kern', 'sk_skb_cb'],
  ...['skb_shared_info', 'sock', 'sock_common', 'sockaddr', 'sockaddr_in', 'sockaddr_in6', 'task_struct', 'tcp_skb_cb'],
  ...['tcp_sock', 'xdp_buff', 'xdp_rxq_info', 'xdp_sock', 'xdp_txq_info', 'xsk_map'],
  // behind pointers that helpers, iterators and contexts give
  ...['bpf_link', 'bpf_map', 'cgroup', 'fib6_info', 'file', 'inode', 'kallsym_iter', 'linux_binprm', 'mptcp_sock'],
  ...['netlink_sock', 'nf_hook_state', 'path', 'seq_file', 'socket', 'tcp6_sock', 'tcp_request_sock'],
  ...['tcp_timewait_sock', 'udp6_sock', 'udp_sock', 'unix_sock', 'vm_area_struct'],
];
