/**
 * Program types, attach types and links: `enum bpf_prog_type`, `enum bpf_attach_type`,
 * `enum bpf_link_type` of Linux 6.12, include/uapi/linux/bpf.h.
 */
import { constants, enumValue } from './enum.ts';

/** Names of program types, in order of their numbers. */
export const PROG_TYPES = [
  'unspec',
  'socket_filter',
  'kprobe',
  'sched_cls',
  'sched_act',
  'tracepoint',
  'xdp',
  'perf_event',
  'cgroup_skb',
  'cgroup_sock',
  'lwt_in',
  'lwt_out',
  'lwt_xmit',
  'sock_ops',
  'sk_skb',
  'cgroup_device',
  'sk_msg',
  'raw_tracepoint',
  'cgroup_sock_addr',
  'lwt_seg6local',
  'lirc_mode2',
  'sk_reuseport',
  'flow_dissector',
  'cgroup_sysctl',
  'raw_tracepoint_writable',
  'cgroup_sockopt',
  'tracing',
  'struct_ops',
  'ext',
  'lsm',
  'sk_lookup',
  'syscall',
  'netfilter',
] as const;
export type ProgTypeName = (typeof PROG_TYPES)[number];
/** `BPF_PROG_TYPE.XDP` is 6. */
export const BPF_PROG_TYPE = constants(PROG_TYPES);

/** Names of attach types, in order of their numbers. */
export const ATTACH_TYPES = [
  'cgroup_inet_ingress',
  'cgroup_inet_egress',
  'cgroup_inet_sock_create',
  'cgroup_sock_ops',
  'sk_skb_stream_parser',
  'sk_skb_stream_verdict',
  'cgroup_device',
  'sk_msg_verdict',
  'cgroup_inet4_bind',
  'cgroup_inet6_bind',
  'cgroup_inet4_connect',
  'cgroup_inet6_connect',
  'cgroup_inet4_post_bind',
  'cgroup_inet6_post_bind',
  'cgroup_udp4_sendmsg',
  'cgroup_udp6_sendmsg',
  'lirc_mode2',
  'flow_dissector',
  'cgroup_sysctl',
  'cgroup_udp4_recvmsg',
  'cgroup_udp6_recvmsg',
  'cgroup_getsockopt',
  'cgroup_setsockopt',
  'trace_raw_tp',
  'trace_fentry',
  'trace_fexit',
  'modify_return',
  'lsm_mac',
  'trace_iter',
  'cgroup_inet4_getpeername',
  'cgroup_inet6_getpeername',
  'cgroup_inet4_getsockname',
  'cgroup_inet6_getsockname',
  'xdp_devmap',
  'cgroup_inet_sock_release',
  'xdp_cpumap',
  'sk_lookup',
  'xdp',
  'sk_skb_verdict',
  'sk_reuseport_select',
  'sk_reuseport_select_or_migrate',
  'perf_event',
  'trace_kprobe_multi',
  'lsm_cgroup',
  'struct_ops',
  'netfilter',
  'tcx_ingress',
  'tcx_egress',
  'trace_uprobe_multi',
  'cgroup_unix_connect',
  'cgroup_unix_sendmsg',
  'cgroup_unix_recvmsg',
  'cgroup_unix_getpeername',
  'cgroup_unix_getsockname',
  'netkit_primary',
  'netkit_peer',
  'trace_kprobe_session',
] as const;
export type AttachTypeName = (typeof ATTACH_TYPES)[number];
/** `BPF_ATTACH_TYPE.TRACE_FENTRY` is 24. */
export const BPF_ATTACH_TYPE = constants(ATTACH_TYPES);

/** Names of link types, in order of their numbers. */
export const LINK_TYPES = [
  'unspec',
  'raw_tracepoint',
  'tracing',
  'cgroup',
  'iter',
  'netns',
  'xdp',
  'perf_event',
  'kprobe_multi',
  'struct_ops',
  'netfilter',
  'tcx',
  'uprobe_multi',
  'netkit',
  'sockmap',
] as const;
export type LinkTypeName = (typeof LINK_TYPES)[number];
export const BPF_LINK_TYPE = constants(LINK_TYPES);

/** Number of a program type. @throws UnknownNameError */
export const progType = (given: ProgTypeName | number | string): number => enumValue('program type', PROG_TYPES, given);
/** Number of an attach type. @throws UnknownNameError */
export const attachType = (given: AttachTypeName | number | string): number =>
  enumValue('attach type', ATTACH_TYPES, given);
/** Name of a program type; its number as text where it has none. */
export const progTypeName = (type: number): string => PROG_TYPES[type] ?? String(type);
export const attachTypeName = (type: number): string => ATTACH_TYPES[type] ?? String(type);
export const linkTypeName = (type: number): string => LINK_TYPES[type] ?? String(type);
