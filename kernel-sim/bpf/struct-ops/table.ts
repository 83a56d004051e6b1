/** Structures of functions that programs may fill, a row each: `struct bpf_struct_ops` of net/ipv4/bpf_tcp_ca.c and net/bpf/bpf_dummy_struct_ops.c, Linux 6.12. */
import type { StructOpsRow } from './row.ts';
import { tcpCongestionOps } from './tcp-congestion.ts';

export const STRUCT_OPS: Readonly<Record<string, StructOpsRow>> = {
  tcp_congestion_ops: tcpCongestionOps,
  bpf_dummy_ops: { unsupported: [], values: {} },
};
