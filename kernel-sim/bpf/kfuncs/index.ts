/** Which kernel functions a program may call: btf_kfunc_id_set_contains() of kernel/bpf/btf.c, Linux 6.12. */
import type { Btf } from '../../../src/btf/index.ts';
import { attachType, progTypeName } from '../../../src/uapi/index.ts';
import type { KfuncFacts } from '../../../src/verifier/kernel.ts';
import { inRelease } from '../../data/release.ts';
import type { KfuncRow } from './row.ts';
import { KFUNCS } from './table.ts';

export type { KfuncRow } from './row.ts';

/** bpf_prog_type_to_kfunc_hook(); every program may call those of 'common' besides. */
const HOOKS: Readonly<Record<string, string>> = {
  xdp: 'xdp',
  sched_cls: 'tc',
  struct_ops: 'struct_ops',
  tracing: 'tracing',
  tracepoint: 'tracing',
  perf_event: 'tracing',
  lsm: 'tracing',
  syscall: 'syscall',
  cgroup_skb: 'cgroup',
  cgroup_sock: 'cgroup',
  cgroup_device: 'cgroup',
  cgroup_sock_addr: 'cgroup',
  cgroup_sockopt: 'cgroup',
  cgroup_sysctl: 'cgroup',
  sched_act: 'sched_act',
  sk_skb: 'sk_skb',
  socket_filter: 'socket_filter',
  lwt_in: 'lwt',
  lwt_out: 'lwt',
  lwt_xmit: 'lwt',
  lwt_seg6local: 'lwt',
  netfilter: 'netfilter',
  kprobe: 'kprobe',
};

const TRACE_ITER = attachType('trace_iter');
const KPROBE_SESSION = attachType('trace_kprobe_session');

const byName = new Map<string, KfuncRow>();
/** The row of a kernel function. */
export function kfuncRow(name: string): KfuncRow | undefined {
  if (byName.size === 0) for (const row of KFUNCS) if (inRelease(row)) byName.set(row.name, row);
  return byName.get(name);
}

/** Whether programs of the type may call it. */
export function mayCallKfunc(row: KfuncRow, type: number, attach: number): boolean {
  const hooks = row.hooks.split(' ');
  if (hooks.includes('common')) return true;
  const name = progTypeName(type);
  const hook = HOOKS[name];
  if (hook === undefined || !hooks.includes(hook)) return false;
  if (row.only === 'lsm' && hook === 'tracing') return name === 'lsm';
  if (row.only === 'iter' && hook === 'tracing') return name === 'tracing' && attach === TRACE_ITER;
  return row.only !== 'kprobe_session' || hook !== 'kprobe' || attach === KPROBE_SESSION;
}

export interface KfuncHost {
  symbol(name: string): bigint | undefined;
  readonly vmlinux: Btf | undefined;
}

/** Facts of a function of the kernel's BTF, undefined where the program may not call it. */
export function lookupKfunc(host: KfuncHost, btfId: number, type: number, attach = 0): KfuncFacts | undefined {
  const btf = host.vmlinux;
  if (btf === undefined || btfId <= 0 || btfId >= btf.typeCount) return undefined;
  const func = btf.typeById(btfId);
  if (func.kind !== 'func') return undefined;
  const row = kfuncRow(func.name);
  if (row === undefined || !mayCallKfunc(row, type, attach)) return undefined;
  const address = host.symbol(row.name);
  if (address === undefined) return undefined;
  return { btfId, name: row.name, address, flags: row.flags === '' ? [] : row.flags.split(' ').map((f) => `KF_${f}`) };
}

/** All kernel functions that some program may call. */
export const kfuncNames = (): string[] => KFUNCS.filter((row) => inRelease(row)).map((row) => row.name);
