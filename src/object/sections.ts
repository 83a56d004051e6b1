/**
 * What an ELF section's name says of the programs in it: libbpf 1.5's table of section names
 * (Documentation/bpf/libbpf/program_types.rst of Linux 6.12 has the same list).
 *
 * A name that ends in `+` may stand alone or be followed by `/` and what to attach to;
 * any other must be the whole name.
 */
import type { AttachTypeName, ProgTypeName } from '../uapi/index.ts';

/** How a program of this section attaches. */
export type AttachMethod =
  | 'none'
  | 'kprobe'
  | 'uprobe'
  | 'kprobe.multi'
  | 'kprobe.session'
  | 'uprobe.multi'
  | 'ksyscall'
  | 'usdt'
  | 'tracepoint'
  | 'raw_tracepoint'
  | 'trace'
  | 'lsm'
  | 'iter'
  | 'xdp'
  | 'tc'
  | 'tcx'
  | 'netkit'
  | 'cgroup'
  | 'sockmap'
  | 'netns'
  | 'netfilter'
  | 'perf_event'
  | 'socket'
  | 'struct_ops'
  | 'freplace';

export interface SectionRule {
  /** with `+` where a target may follow */
  readonly pattern: string;
  readonly type: ProgTypeName;
  readonly attachType?: AttachTypeName;
  readonly method: AttachMethod;
  /** loads with BPF_F_SLEEPABLE */
  readonly sleepable?: true;
  /** loads with BPF_F_XDP_HAS_FRAGS */
  readonly frags?: true;
  /** loading needs the BTF id of what it attaches to */
  readonly attachBtf?: true;
  /** the return form of a probe */
  readonly onReturn?: true;
  /** libbpf before 1.0 took any name that began so (`socket1`, `xdp_prog`) */
  readonly loose?: true;
}

type Extra = Partial<Omit<SectionRule, 'pattern' | 'type' | 'method' | 'attachType'>>;
const row = (
  pattern: string,
  type: ProgTypeName,
  method: AttachMethod,
  attachType?: AttachTypeName,
  extra: Extra = {},
): SectionRule => ({
  pattern,
  type,
  method,
  ...(attachType === undefined ? {} : { attachType }),
  ...extra,
});

const sleepable = { sleepable: true } as const;
const loose = { loose: true } as const;
const frags = { frags: true } as const;
const btf = { attachBtf: true } as const;
const onReturn = { onReturn: true } as const;

/** In libbpf's order: the first match wins. */
export const SECTION_RULES: readonly SectionRule[] = [
  row('socket', 'socket_filter', 'socket', undefined, loose),
  row('sk_reuseport/migrate', 'sk_reuseport', 'none', 'sk_reuseport_select_or_migrate', loose),
  row('sk_reuseport', 'sk_reuseport', 'none', 'sk_reuseport_select', loose),
  row('kprobe+', 'kprobe', 'kprobe'),
  row('uprobe+', 'kprobe', 'uprobe'),
  row('uprobe.s+', 'kprobe', 'uprobe', undefined, sleepable),
  row('kretprobe+', 'kprobe', 'kprobe', undefined, onReturn),
  row('uretprobe+', 'kprobe', 'uprobe', undefined, onReturn),
  row('uretprobe.s+', 'kprobe', 'uprobe', undefined, { ...sleepable, ...onReturn }),
  row('kprobe.multi+', 'kprobe', 'kprobe.multi', 'trace_kprobe_multi'),
  row('kretprobe.multi+', 'kprobe', 'kprobe.multi', 'trace_kprobe_multi', onReturn),
  row('kprobe.session+', 'kprobe', 'kprobe.session', 'trace_kprobe_session'),
  row('uprobe.multi+', 'kprobe', 'uprobe.multi', 'trace_uprobe_multi'),
  row('uretprobe.multi+', 'kprobe', 'uprobe.multi', 'trace_uprobe_multi', onReturn),
  row('uprobe.multi.s+', 'kprobe', 'uprobe.multi', 'trace_uprobe_multi', sleepable),
  row('uretprobe.multi.s+', 'kprobe', 'uprobe.multi', 'trace_uprobe_multi', { ...sleepable, ...onReturn }),
  row('ksyscall+', 'kprobe', 'ksyscall'),
  row('kretsyscall+', 'kprobe', 'ksyscall', undefined, onReturn),
  row('usdt+', 'kprobe', 'usdt'),
  row('usdt.s+', 'kprobe', 'usdt', undefined, sleepable),
  row('tc/ingress', 'sched_cls', 'tcx', 'tcx_ingress'),
  row('tc/egress', 'sched_cls', 'tcx', 'tcx_egress'),
  row('tcx/ingress', 'sched_cls', 'tcx', 'tcx_ingress'),
  row('tcx/egress', 'sched_cls', 'tcx', 'tcx_egress'),
  row('tc', 'sched_cls', 'tc', undefined, loose),
  row('classifier', 'sched_cls', 'tc', undefined, loose),
  row('action', 'sched_act', 'tc', undefined, loose),
  row('netkit/primary', 'sched_cls', 'netkit', 'netkit_primary'),
  row('netkit/peer', 'sched_cls', 'netkit', 'netkit_peer'),
  row('tracepoint+', 'tracepoint', 'tracepoint'),
  row('tp+', 'tracepoint', 'tracepoint'),
  row('raw_tracepoint+', 'raw_tracepoint', 'raw_tracepoint'),
  row('raw_tp+', 'raw_tracepoint', 'raw_tracepoint'),
  row('raw_tracepoint.w+', 'raw_tracepoint_writable', 'raw_tracepoint'),
  row('raw_tp.w+', 'raw_tracepoint_writable', 'raw_tracepoint'),
  row('tp_btf+', 'tracing', 'trace', 'trace_raw_tp', btf),
  row('fentry+', 'tracing', 'trace', 'trace_fentry', btf),
  row('fmod_ret+', 'tracing', 'trace', 'modify_return', btf),
  row('fexit+', 'tracing', 'trace', 'trace_fexit', btf),
  row('fentry.s+', 'tracing', 'trace', 'trace_fentry', { ...btf, ...sleepable }),
  row('fmod_ret.s+', 'tracing', 'trace', 'modify_return', { ...btf, ...sleepable }),
  row('fexit.s+', 'tracing', 'trace', 'trace_fexit', { ...btf, ...sleepable }),
  row('freplace+', 'ext', 'freplace', undefined, btf),
  row('lsm+', 'lsm', 'lsm', 'lsm_mac', btf),
  row('lsm.s+', 'lsm', 'lsm', 'lsm_mac', { ...btf, ...sleepable }),
  row('lsm_cgroup+', 'lsm', 'cgroup', 'lsm_cgroup', btf),
  row('iter+', 'tracing', 'iter', 'trace_iter', btf),
  row('iter.s+', 'tracing', 'iter', 'trace_iter', { ...btf, ...sleepable }),
  row('syscall', 'syscall', 'none', undefined, sleepable),
  row('xdp.frags/devmap', 'xdp', 'none', 'xdp_devmap', frags),
  row('xdp/devmap', 'xdp', 'none', 'xdp_devmap'),
  row('xdp.frags/cpumap', 'xdp', 'none', 'xdp_cpumap', frags),
  row('xdp/cpumap', 'xdp', 'none', 'xdp_cpumap'),
  row('xdp.frags', 'xdp', 'xdp', 'xdp', frags),
  row('xdp', 'xdp', 'xdp', 'xdp', loose),
  row('perf_event', 'perf_event', 'perf_event', undefined, loose),
  row('lwt_in', 'lwt_in', 'none', undefined, loose),
  row('lwt_out', 'lwt_out', 'none', undefined, loose),
  row('lwt_xmit', 'lwt_xmit', 'none', undefined, loose),
  row('lwt_seg6local', 'lwt_seg6local', 'none', undefined, loose),
  row('sockops', 'sock_ops', 'cgroup', 'cgroup_sock_ops', loose),
  row('sk_skb/stream_parser', 'sk_skb', 'sockmap', 'sk_skb_stream_parser', loose),
  row('sk_skb/stream_verdict', 'sk_skb', 'sockmap', 'sk_skb_stream_verdict', loose),
  row('sk_skb/verdict', 'sk_skb', 'sockmap', 'sk_skb_verdict', loose),
  row('sk_skb', 'sk_skb', 'sockmap', undefined, loose),
  row('sk_msg', 'sk_msg', 'sockmap', 'sk_msg_verdict', loose),
  row('lirc_mode2', 'lirc_mode2', 'none', 'lirc_mode2', loose),
  row('flow_dissector', 'flow_dissector', 'netns', 'flow_dissector', loose),
  row('cgroup_skb/ingress', 'cgroup_skb', 'cgroup', 'cgroup_inet_ingress', loose),
  row('cgroup_skb/egress', 'cgroup_skb', 'cgroup', 'cgroup_inet_egress', loose),
  row('cgroup/skb', 'cgroup_skb', 'cgroup', undefined, loose),
  row('cgroup/sock_create', 'cgroup_sock', 'cgroup', 'cgroup_inet_sock_create', loose),
  row('cgroup/sock_release', 'cgroup_sock', 'cgroup', 'cgroup_inet_sock_release', loose),
  row('cgroup/sock', 'cgroup_sock', 'cgroup', 'cgroup_inet_sock_create', loose),
  row('cgroup/post_bind4', 'cgroup_sock', 'cgroup', 'cgroup_inet4_post_bind', loose),
  row('cgroup/post_bind6', 'cgroup_sock', 'cgroup', 'cgroup_inet6_post_bind', loose),
  row('cgroup/bind4', 'cgroup_sock_addr', 'cgroup', 'cgroup_inet4_bind', loose),
  row('cgroup/bind6', 'cgroup_sock_addr', 'cgroup', 'cgroup_inet6_bind', loose),
  row('cgroup/connect4', 'cgroup_sock_addr', 'cgroup', 'cgroup_inet4_connect', loose),
  row('cgroup/connect6', 'cgroup_sock_addr', 'cgroup', 'cgroup_inet6_connect', loose),
  row('cgroup/connect_unix', 'cgroup_sock_addr', 'cgroup', 'cgroup_unix_connect'),
  row('cgroup/sendmsg4', 'cgroup_sock_addr', 'cgroup', 'cgroup_udp4_sendmsg', loose),
  row('cgroup/sendmsg6', 'cgroup_sock_addr', 'cgroup', 'cgroup_udp6_sendmsg', loose),
  row('cgroup/sendmsg_unix', 'cgroup_sock_addr', 'cgroup', 'cgroup_unix_sendmsg'),
  row('cgroup/recvmsg4', 'cgroup_sock_addr', 'cgroup', 'cgroup_udp4_recvmsg', loose),
  row('cgroup/recvmsg6', 'cgroup_sock_addr', 'cgroup', 'cgroup_udp6_recvmsg', loose),
  row('cgroup/recvmsg_unix', 'cgroup_sock_addr', 'cgroup', 'cgroup_unix_recvmsg'),
  row('cgroup/getpeername4', 'cgroup_sock_addr', 'cgroup', 'cgroup_inet4_getpeername', loose),
  row('cgroup/getpeername6', 'cgroup_sock_addr', 'cgroup', 'cgroup_inet6_getpeername', loose),
  row('cgroup/getpeername_unix', 'cgroup_sock_addr', 'cgroup', 'cgroup_unix_getpeername'),
  row('cgroup/getsockname4', 'cgroup_sock_addr', 'cgroup', 'cgroup_inet4_getsockname', loose),
  row('cgroup/getsockname6', 'cgroup_sock_addr', 'cgroup', 'cgroup_inet6_getsockname', loose),
  row('cgroup/getsockname_unix', 'cgroup_sock_addr', 'cgroup', 'cgroup_unix_getsockname'),
  row('cgroup/sysctl', 'cgroup_sysctl', 'cgroup', 'cgroup_sysctl', loose),
  row('cgroup/getsockopt', 'cgroup_sockopt', 'cgroup', 'cgroup_getsockopt', loose),
  row('cgroup/setsockopt', 'cgroup_sockopt', 'cgroup', 'cgroup_setsockopt', loose),
  row('cgroup/dev', 'cgroup_device', 'cgroup', 'cgroup_device', loose),
  row('struct_ops+', 'struct_ops', 'struct_ops'),
  row('struct_ops.s+', 'struct_ops', 'struct_ops', undefined, sleepable),
  row('sk_lookup', 'sk_lookup', 'netns', 'sk_lookup'),
  row('netfilter', 'netfilter', 'netfilter', 'netfilter'),
];

/** What a section's name was found to say. */
export interface SectionMatch {
  readonly rule: SectionRule;
  /** what follows the `/`: function, tracepoint ... */
  readonly target: string | undefined;
  /** only libbpf before 1.0 took this name */
  readonly legacy: boolean;
}

function matches(rule: SectionRule, name: string): boolean {
  if (!rule.pattern.endsWith('+')) return name === rule.pattern;
  const stem = rule.pattern.slice(0, -1);
  return name.startsWith(stem) && (name.length === stem.length || name[stem.length] === '/');
}

/** The rule for a section's name, without a leading `?`. Strict rules first, then those of libbpf before 1.0. */
export function matchSection(name: string): SectionMatch | undefined {
  const strict = SECTION_RULES.find((rule) => matches(rule, name));
  const rule = strict ?? SECTION_RULES.find((rule) => rule.loose && name.startsWith(rule.pattern));
  if (!rule) return undefined;
  const slash = name.indexOf('/');
  const target = rule.pattern.endsWith('+') && slash >= 0 ? name.slice(slash + 1) : undefined;
  return { rule, target, legacy: strict === undefined };
}
