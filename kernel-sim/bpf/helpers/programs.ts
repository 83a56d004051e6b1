/** Groups of program types that share their helpers, and the language of a row's `programs`. */
import { attachType, progType, progTypeName } from '../../../src/uapi/index.ts';

/** The functions of kernel/trace/bpf_trace.c and others that end in one another: who reaches them. */
export const GROUPS: Readonly<Record<string, string>> = {
  /** bpf_tracing_func_proto */
  trace: 'kprobe tracepoint perf_event raw_tracepoint raw_tracepoint_writable tracing lsm syscall',
  /** tracing_prog_func_proto */
  btf_trace: 'tracing lsm syscall',
  raw_tp: 'raw_tracepoint raw_tracepoint_writable',
  /** tc_cls_act_func_proto */
  tc: 'sched_cls sched_act',
  lwt: 'lwt_in lwt_out lwt_xmit',
  /** lwt_out_func_proto */
  lwt_any: 'lwt_in lwt_out lwt_xmit lwt_seg6local',
  cgroup: 'cgroup_sock cgroup_device cgroup_sock_addr cgroup_sysctl cgroup_sockopt',
  /** bpf_sk_base_func_proto: casts of sockets */
  skc: 'tracing lsm syscall sched_cls sched_act lwt_in lwt_out lwt_xmit lwt_seg6local socket_filter xdp cgroup_skb sock_ops sk_skb sk_msg cgroup_sock_addr flow_dissector sk_lookup',
  /** bpf_ktime_get_coarse_ns */
  coarse:
    'socket_filter sched_cls sched_act xdp cgroup_skb cgroup_sock lwt_in lwt_out lwt_xmit sock_ops sk_skb sk_msg cgroup_sock_addr lwt_seg6local sk_reuseport flow_dissector cgroup_sysctl sk_lookup struct_ops',
};

interface Term {
  readonly type: number;
  readonly attach?: ReadonlySet<number>;
  readonly except?: ReadonlySet<number>;
}

function term(text: string): Term[] {
  const group = GROUPS[text];
  if (group !== undefined) return group.split(' ').flatMap(term);
  const [type = '', list] = text.split('@');
  const number = progType(type);
  if (list === undefined) return [{ type: number }];
  const attach = new Set(list.replace(/^!/, '').split('|').map(attachType));
  return [list.startsWith('!') ? { type: number, except: attach } : { type: number, attach }];
}

const parsed = new Map<string, readonly Term[] | 'all'>();

/** Whether a row's `programs` names the type with that attach type. @throws UnknownNameError for a misspelt table */
export function allows(programs: string, type: number, attach: number): boolean {
  let terms = parsed.get(programs);
  if (terms === undefined) {
    terms = programs === 'all' ? 'all' : programs.split(' ').flatMap(term);
    parsed.set(programs, terms);
  }
  if (terms === 'all') return progTypeName(type) !== 'unspec';
  return terms.some((t) => t.type === type && (t.attach?.has(attach) ?? true) && !t.except?.has(attach));
}
