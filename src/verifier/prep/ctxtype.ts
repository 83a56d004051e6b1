/** Whether a function's parameter is the program's context (btf_is_prog_ctx_type()). */
import { type Btf, type BtfType, isComposite } from '../../btf/index.ts';
import type { Env } from '../env/env.ts';
import { PROG } from '../kinds.ts';

/** The C type that programs of each type call their context. */
const names: Readonly<Record<number, string>> = {
  [PROG.SOCKET_FILTER]: '__sk_buff',
  [PROG.SCHED_CLS]: '__sk_buff',
  [PROG.SCHED_ACT]: '__sk_buff',
  [PROG.XDP]: 'xdp_md',
  [PROG.CGROUP_SKB]: '__sk_buff',
  [PROG.CGROUP_SOCK]: 'bpf_sock',
  [PROG.CGROUP_SOCK_ADDR]: 'bpf_sock_addr',
  [PROG.LWT_IN]: '__sk_buff',
  [PROG.LWT_OUT]: '__sk_buff',
  [PROG.LWT_XMIT]: '__sk_buff',
  [PROG.LWT_SEG6LOCAL]: '__sk_buff',
  [PROG.SOCK_OPS]: 'bpf_sock_ops',
  [PROG.SK_SKB]: '__sk_buff',
  [PROG.SK_MSG]: 'sk_msg_md',
  [PROG.FLOW_DISSECTOR]: '__sk_buff',
  [PROG.KPROBE]: 'bpf_user_pt_regs_t',
  [PROG.TRACEPOINT]: '__u64',
  [PROG.PERF_EVENT]: 'bpf_perf_event_data',
  [PROG.RAW_TRACEPOINT]: 'bpf_raw_tracepoint_args',
  [PROG.RAW_TRACEPOINT_WRITABLE]: 'bpf_raw_tracepoint_args',
  [PROG.TRACING]: 'void',
  [PROG.CGROUP_DEVICE]: 'bpf_cgroup_dev_ctx',
  [PROG.CGROUP_SYSCTL]: 'bpf_sysctl',
  [PROG.CGROUP_SOCKOPT]: 'bpf_sockopt',
  [PROG.LIRC_MODE2]: '__u32',
  [PROG.SK_REUSEPORT]: 'sk_reuseport_md',
  [PROG.SK_LOOKUP]: 'bpf_sk_lookup',
  [PROG.SYSCALL]: 'void',
  [PROG.NETFILTER]: 'bpf_nf_ctx',
};

/** Types whose context's real name is the kernel's own. */
const aliases: Readonly<Record<string, string>> = { bpf_user_pt_regs_t: 'pt_regs' };

/** Views of a kernel structure that stand for it. */
const projections: Readonly<Record<string, string>> = { __sk_buff: 'sk_buff', xdp_md: 'xdp_buff' };

/** The last typedef, or the type itself, without modifiers. */
function named(btf: Btf, id: number): BtfType {
  let t = btf.typeById(id);
  while (
    t.kind === 'const' ||
    t.kind === 'volatile' ||
    t.kind === 'restrict' ||
    t.kind === 'type_tag' ||
    t.kind === 'typedef'
  ) {
    if (t.kind === 'typedef' && t.name === 'bpf_user_pt_regs_t') return t;
    t = btf.typeById(t.type);
  }
  return t;
}

export function isContextType(env: Env, btf: Btf, ptr: BtfType & { kind: 'ptr' }): boolean {
  const wanted = names[env.input.type];
  const t = named(btf, ptr.type);
  if (t.kind === 'typedef') return env.input.type === PROG.KPROBE;
  // only structures can be told by name
  if (!isComposite(t) || !t.name || wanted === undefined) return false;
  return t.name === wanted || t.name === aliases[wanted] || t.name === projections[wanted];
}

/** `arg:ctx`: any name that stands for the context of this type. */
export function checkContextTag(env: Env, btf: Btf, ptr: BtfType & { kind: 'ptr' }, n: number): void {
  const { type } = env.input;
  const t = named(btf, ptr.type);
  const raw =
    type === PROG.RAW_TRACEPOINT ||
    type === PROG.RAW_TRACEPOINT_WRITABLE ||
    type === PROG.TRACING ||
    type === PROG.LSM ||
    type === PROG.STRUCT_OPS ||
    type === PROG.TRACEPOINT;
  if (type === PROG.KPROBE && t.kind === 'struct' && t.name === 'pt_regs') return;
  if (type === PROG.PERF_EVENT && t.kind === 'struct' && (t.name === 'pt_regs' || t.name === 'user_pt_regs')) return;
  if (raw && t.kind === 'int' && t.size === 8) return;
  if (t.kind === 'void') return;
  if (isContextType(env, btf, ptr)) return;
  env.fail('EINVAL', `arg#${n} doesn't match context type`);
}

/** The kernel's own structure behind each type's context. */
const kernelNames: Readonly<Record<number, string>> = {
  [PROG.SOCKET_FILTER]: 'sk_buff',
  [PROG.SCHED_CLS]: 'sk_buff',
  [PROG.SCHED_ACT]: 'sk_buff',
  [PROG.XDP]: 'xdp_buff',
  [PROG.CGROUP_SKB]: 'sk_buff',
  [PROG.CGROUP_SOCK]: 'sock',
  [PROG.CGROUP_SOCK_ADDR]: 'bpf_sock_addr_kern',
  [PROG.LWT_IN]: 'sk_buff',
  [PROG.LWT_OUT]: 'sk_buff',
  [PROG.LWT_XMIT]: 'sk_buff',
  [PROG.LWT_SEG6LOCAL]: 'sk_buff',
  [PROG.SOCK_OPS]: 'bpf_sock_ops_kern',
  [PROG.SK_SKB]: 'sk_buff',
  [PROG.SK_MSG]: 'sk_msg',
  [PROG.FLOW_DISSECTOR]: 'bpf_flow_dissector',
  [PROG.KPROBE]: 'pt_regs',
  [PROG.PERF_EVENT]: 'bpf_perf_event_data_kern',
  [PROG.CGROUP_DEVICE]: 'bpf_cgroup_dev_ctx',
  [PROG.CGROUP_SYSCTL]: 'bpf_sysctl_kern',
  [PROG.CGROUP_SOCKOPT]: 'bpf_sockopt_kern',
  [PROG.SK_REUSEPORT]: 'sk_reuseport_kern',
  [PROG.SK_LOOKUP]: 'bpf_sk_lookup_kern',
  [PROG.NETFILTER]: 'bpf_nf_ctx',
};

/** BTF id of what bpf_cast_to_kern_ctx gives; 0 where the type has no structure. */
export const kernelContextType = (env: Env, btf: Btf): number => {
  const name = kernelNames[env.input.type];
  return name ? btf.findByName(name, 'struct') : 0;
};
