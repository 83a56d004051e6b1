/**
 * The ways in which Linux 6.12 attaches programs, one row each: bpf(2) (kernel/bpf/syscall.c's `link_create` and
 * `bpf_prog_get_attach_type`), what libbpf does for a section, and the parity page read them. What a kind does in the
 * kernel model is a body beside `kernel-sim/bpf/attach/table.ts`; a kind without one is refused by name.
 */
import { ATTACH_TYPES, type AttachTypeName, type LinkTypeName, PROG_TYPES, type ProgTypeName } from './program.ts';
import type { Version, Versioned } from './version.ts';

/** Commands of bpf(2) that make a link. */
export type LinkCommand = 'BPF_LINK_CREATE' | 'BPF_RAW_TRACEPOINT_OPEN';

/** What `target_fd` or `target_ifindex` of BPF_LINK_CREATE may be, and what to give there. */
export const LINK_TARGETS = {
  none: '0',
  perf_event: "a perf event's descriptor",
  ifindex: "an interface's index",
  netkit: "a netkit interface's index",
  cgroup: "a cgroup's descriptor",
  map: "a map's descriptor",
  netns: "a network namespace's descriptor",
  prog: "a program's descriptor",
  socket: "a socket's descriptor",
} as const;
export type TargetKind = keyof typeof LINK_TARGETS;

/** One row. */
export interface AttachKindRow extends Versioned {
  readonly name: string;
  readonly programs: readonly ProgTypeName[];
  /** expected or given attach types; undefined: whatever no row in front takes */
  readonly attachTypes?: readonly AttachTypeName[];
  /** undefined: such programs have no link */
  readonly link?: LinkTypeName;
  /** commands that make its links; default BPF_LINK_CREATE */
  readonly commands?: readonly LinkCommand[];
  readonly target: TargetKind;
  /** loading the program, or its attributes, say all of where it goes: libbpf asks for no target */
  readonly placed?: true;
  /** BPF_LINK_DETACH is a command for its links: they are on something that may go away before them */
  readonly mayDetach?: true;
}

/** how programs whose target is fixed at load attach: old libbpf opens them as raw tracepoints, without a name */
const EITHER = ['BPF_LINK_CREATE', 'BPF_RAW_TRACEPOINT_OPEN'] as const;

type Named<N extends string> = AttachKindRow & { readonly name: N };
const row = <N extends string>(name: N, since: Version, rest: Omit<AttachKindRow, 'name' | 'since'>): Named<N> => ({
  ...{ name, since },
  ...rest,
});
type Make = <N extends string>(name: N, since: Version, program: ProgTypeName, ...of: AttachTypeName[]) => Named<N>;
/** a kind for some attach types of a program type; for all where none is named */
const kindOf =
  (rest: Omit<AttachKindRow, 'name' | 'since' | 'programs' | 'attachTypes'>): Make =>
  (name, since, program, ...of) =>
    row(name, since, { programs: [program], ...(of.length === 0 ? {} : { attachTypes: of }), ...rest });

const onText = kindOf({ link: 'tracing', commands: EITHER, target: 'none', placed: true });
const kprobeMulti = kindOf({ link: 'kprobe_multi', target: 'none' });
const uprobeMulti = kindOf({ link: 'uprobe_multi', target: 'none' });
/** what the programs of a perf event run on: kprobe programs on uprobes too */
const byEvent = kindOf({ link: 'perf_event', target: 'perf_event' });
const inCgroup = kindOf({ link: 'cgroup', target: 'cgroup', mayDetach: true });
const inNetns = kindOf({ link: 'netns', target: 'netns', mayDetach: true });
const onMap = kindOf({ link: 'sockmap', target: 'map', mayDetach: true });

/** In the order in which they are tried. */
const ROWS = [
  kprobeMulti('kprobe.multi', '5.18', 'kprobe', 'trace_kprobe_multi'),
  kprobeMulti('kprobe.session', '6.10', 'kprobe', 'trace_kprobe_session'),
  uprobeMulti('uprobe.multi', '6.6', 'kprobe', 'trace_uprobe_multi'),
  byEvent('kprobe', '4.1', 'kprobe'),
  byEvent('tracepoint', '4.7', 'tracepoint'),
  byEvent('perf_event', '4.9', 'perf_event'),
  onText('fentry', '5.5', 'tracing', 'trace_fentry'),
  onText('fexit', '5.5', 'tracing', 'trace_fexit'),
  onText('fmod_ret', '5.7', 'tracing', 'modify_return'),
  onText('lsm', '5.7', 'lsm', 'lsm_mac'),
  onText('tp_btf', '5.5', 'tracing', 'trace_raw_tp'),
  kindOf({ link: 'iter', target: 'none', placed: true })('iter', '5.8', 'tracing', 'trace_iter'),
  kindOf({ link: 'tracing', commands: EITHER, target: 'none' })('freplace', '5.6', 'ext'),
  row('raw_tp', '4.17', {
    ...{ programs: ['raw_tracepoint', 'raw_tracepoint_writable'], link: 'raw_tracepoint' },
    ...{ commands: ['BPF_RAW_TRACEPOINT_OPEN'], target: 'none' },
  }),
  kindOf({ link: 'xdp', target: 'ifindex', mayDetach: true })('xdp', '5.9', 'xdp', 'xdp'),
  kindOf({ link: 'tcx', target: 'ifindex', mayDetach: true })('tcx', '6.6', 'sched_cls', 'tcx_ingress', 'tcx_egress'),
  kindOf({ link: 'netkit', target: 'netkit', mayDetach: true })(
    ...(['netkit', '6.7', 'sched_cls', 'netkit_primary', 'netkit_peer'] as const),
  ),
  kindOf({ link: 'netfilter', target: 'none' })('netfilter', '6.4', 'netfilter', 'netfilter'),
  inCgroup('lsm_cgroup', '6.0', 'lsm', 'lsm_cgroup'),
  inCgroup('cgroup_sock', '4.10', 'cgroup_sock', 'cgroup_inet_sock_create'),
  inCgroup('cgroup_sock_bind', '4.17', 'cgroup_sock', 'cgroup_inet4_post_bind', 'cgroup_inet6_post_bind'),
  inCgroup('cgroup_sock_release', '5.9', 'cgroup_sock', 'cgroup_inet_sock_release'),
  inCgroup(
    ...(['cgroup_sock_addr', '4.17', 'cgroup_sock_addr'] as const),
    ...(['cgroup_inet4_bind', 'cgroup_inet6_bind', 'cgroup_inet4_connect', 'cgroup_inet6_connect'] as const),
  ),
  inCgroup('cgroup_sock_msg', '4.18', 'cgroup_sock_addr'),
  inCgroup('cgroup_skb', '4.10', 'cgroup_skb'),
  inCgroup('cgroup_device', '4.15', 'cgroup_device'),
  inCgroup('cgroup_sysctl', '5.2', 'cgroup_sysctl'),
  inCgroup('cgroup_sockopt', '5.3', 'cgroup_sockopt'),
  inCgroup('sock_ops', '4.13', 'sock_ops'),
  inNetns('flow_dissector', '4.20', 'flow_dissector'),
  inNetns('sk_lookup', '5.9', 'sk_lookup'),
  onMap('sk_skb', '4.14', 'sk_skb'),
  onMap('sk_msg', '4.17', 'sk_msg'),
  kindOf({ link: 'struct_ops', target: 'map' })('struct_ops', '5.6', 'struct_ops'),
  kindOf({ target: 'socket' })('socket', '3.19', 'socket_filter'),
];

export type AttachKindName = (typeof ROWS)[number]['name'];

export const ATTACH_KIND_ROWS: readonly Named<AttachKindName>[] = ROWS;

/** The row, among `rows`, for a program type and an attach type; undefined where there is none. */
export const attachKindAmong = <R extends AttachKindRow>(
  rows: readonly R[],
  progType: number,
  attachType: number,
): R | undefined =>
  rows.find(
    ({ programs, attachTypes }) =>
      programs.some((name) => PROG_TYPES[progType] === name) &&
      (attachTypes?.some((name) => ATTACH_TYPES[attachType] === name) ?? true),
  );
