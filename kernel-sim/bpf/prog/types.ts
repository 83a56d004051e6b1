/**
 * Program types, one row each: what R1 is, what a loader needs, how a test run is made (`bpf_prog_types`,
 * `bpf_prog_load_check_attach`, `is_net_admin_prog_type` and `is_perfmon_prog_type` of Linux 6.12).
 *
 * Adding one is a row; a context that no other type has is a file in `context`, a test run that no other has one in
 * `run`. Which helpers it has is written beside each helper (`helpers/table-*.ts`), how it attaches in `attach/table.ts`.
 */
import { type AttachTypeName, PROG_TYPES, type ProgTypeName } from '../../../src/uapi/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import { inRelease, type Versioned } from '../../data/release.ts';
import { cgroupDeviceContext, sockoptContext, sysctlContext } from '../context/cgroup.ts';
import type { ContextEnv } from '../context/env.ts';
import {
  kprobeContext,
  netfilterContext,
  perfEventContext,
  rawTracepointContext,
  syscallContext,
  tracepointContext,
} from '../context/regs.ts';
import { skMsgContext } from '../context/sk-msg.ts';
import { skLookupContext, skReuseportContext } from '../context/sk-select.ts';
import { flowDissectorContext, skbContext } from '../context/skb.ts';
import { cgroupSockContext } from '../context/sock.ts';
import { sockAddrContext } from '../context/sock-addr.ts';
import { sockOpsContext } from '../context/sock-ops.ts';
import { xdpContext } from '../context/xdp.ts';

/** Families of test runs: each is a driver in `run`. */
export type TestRunFamily = 'skb' | 'xdp' | 'syscall' | 'raw_tp' | 'sk_lookup' | 'flow_dissector' | 'tracing';

/** Capabilities that loading needs besides CAP_BPF. */
export type LoadCap = 'netAdmin' | 'perfmon';

export interface ProgTypeRow extends Versioned {
  /** what R1 points to; undefined where BTF describes it */
  readonly context?: (env: ContextEnv) => ContextModel;
  /** undefined: Linux makes no test runs of it */
  readonly testRun?: TestRunFamily;
  readonly needs?: readonly LoadCap[];
  /** users without any capability may load it */
  readonly unpriv?: true;
  /** expected attach types that it insists on; undefined: any */
  readonly attachTypes?: readonly AttachTypeName[] | readonly [0];
  /** what old loaders, which leave the attach type at 0, mean by that */
  readonly attachTypeOfOld?: AttachTypeName;
  /** it attaches to a function or structure of the kernel by BTF id */
  readonly byBtf?: true;
  /** it may attach to another program */
  readonly toProgram?: true;
  /** its CONFIG option is off in this configuration */
  readonly absent?: true;
}

const NET: readonly LoadCap[] = ['netAdmin'];
const TRACING: readonly LoadCap[] = ['perfmon'];

const skb = (flavour: Parameters<typeof skbContext>[1], more: ProgTypeRow = {}): ProgTypeRow => ({
  context: (env) => skbContext(env, flavour),
  ...more,
});

const ROWS: Readonly<Record<ProgTypeName, ProgTypeRow>> = {
  unspec: { absent: true },
  socket_filter: skb('socketFilter', { testRun: 'skb', unpriv: true }),
  kprobe: { context: kprobeContext, needs: TRACING },
  sched_cls: skb('tc', { testRun: 'skb', needs: NET }),
  sched_act: skb('tc', { testRun: 'skb', needs: NET }),
  tracepoint: { context: tracepointContext, needs: TRACING },
  xdp: { context: xdpContext, testRun: 'xdp', needs: NET },
  perf_event: { context: perfEventContext, needs: TRACING },
  cgroup_skb: skb('cgroupSkb', {
    testRun: 'skb',
    unpriv: true,
    attachTypes: ['cgroup_inet_ingress', 'cgroup_inet_egress'],
  }),
  cgroup_sock: {
    context: cgroupSockContext,
    needs: NET,
    attachTypes: [
      'cgroup_inet_sock_create',
      'cgroup_inet_sock_release',
      'cgroup_inet4_post_bind',
      'cgroup_inet6_post_bind',
    ],
    attachTypeOfOld: 'cgroup_inet_sock_create',
  },
  lwt_in: skb('lwt', { testRun: 'skb', needs: NET }),
  lwt_out: skb('lwt', { testRun: 'skb', needs: NET }),
  lwt_xmit: skb('lwtXmit', { testRun: 'skb', needs: NET }),
  sock_ops: { context: sockOpsContext, needs: NET },
  sk_skb: skb('skSkb', { needs: NET }),
  cgroup_device: { context: cgroupDeviceContext, needs: NET },
  sk_msg: { context: skMsgContext, needs: NET },
  raw_tracepoint: { context: () => rawTracepointContext(false), testRun: 'raw_tp', needs: TRACING },
  cgroup_sock_addr: {
    context: sockAddrContext,
    needs: NET,
    attachTypes: [
      'cgroup_inet4_bind',
      'cgroup_inet6_bind',
      'cgroup_inet4_connect',
      'cgroup_inet6_connect',
      'cgroup_unix_connect',
      'cgroup_inet4_getpeername',
      'cgroup_inet6_getpeername',
      'cgroup_unix_getpeername',
      'cgroup_inet4_getsockname',
      'cgroup_inet6_getsockname',
      'cgroup_unix_getsockname',
      'cgroup_udp4_sendmsg',
      'cgroup_udp6_sendmsg',
      'cgroup_unix_sendmsg',
      'cgroup_udp4_recvmsg',
      'cgroup_udp6_recvmsg',
      'cgroup_unix_recvmsg',
    ],
  },
  lwt_seg6local: skb('lwt', { needs: NET }),
  lirc_mode2: { absent: true },
  sk_reuseport: {
    context: skReuseportContext,
    attachTypes: ['sk_reuseport_select', 'sk_reuseport_select_or_migrate'],
    attachTypeOfOld: 'sk_reuseport_select',
  },
  flow_dissector: { context: flowDissectorContext, testRun: 'flow_dissector', needs: NET },
  cgroup_sysctl: { context: sysctlContext, needs: NET },
  raw_tracepoint_writable: { context: () => rawTracepointContext(true), needs: TRACING },
  cgroup_sockopt: { context: sockoptContext, needs: NET, attachTypes: ['cgroup_setsockopt', 'cgroup_getsockopt'] },
  tracing: { testRun: 'tracing', needs: TRACING, byBtf: true, toProgram: true },
  struct_ops: { needs: TRACING, byBtf: true },
  ext: { needs: ['netAdmin', 'perfmon'], attachTypes: [0], byBtf: true, toProgram: true },
  lsm: { needs: TRACING, byBtf: true },
  sk_lookup: { context: skLookupContext, testRun: 'sk_lookup', attachTypes: ['sk_lookup'] },
  syscall: { context: syscallContext, testRun: 'syscall', attachTypes: [0] },
  netfilter: { context: netfilterContext, needs: NET, attachTypes: ['netfilter'] },
};

/** The row of a program type; undefined for numbers that Linux 6.12 does not know, or that this configuration leaves out. */
export function progTypeRow(type: number): ProgTypeRow | undefined {
  const row = ROWS[PROG_TYPES[type] ?? 'unspec'];
  return row.absent || !inRelease(row) ? undefined : row;
}

/** The context of a program type; undefined for those that BTF describes (tracing, lsm, struct_ops, ext) and for unknown ones. */
export const contextModel = (type: number, env: ContextEnv): ContextModel | undefined =>
  progTypeRow(type)?.context?.(env);
