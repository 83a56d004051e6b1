/**
 * Whether a program type takes an expected attach type and an attach target, and which capability its loader
 * needs: `bpf_prog_load_check_attach`, `is_net_admin_prog_type` and `is_perfmon_prog_type` of Linux 6.12.
 */

import { BPF_ATTACH_TYPE as A, BPF_PROG_TYPE as P } from '../../../src/uapi/index.ts';
import type { Errno } from '../../core/errno.ts';

/** Types that insist on some attach types; others take any. */
const EXPECTED: ReadonlyMap<number, readonly number[]> = new Map([
  [
    P.CGROUP_SOCK,
    [A.CGROUP_INET_SOCK_CREATE, A.CGROUP_INET_SOCK_RELEASE, A.CGROUP_INET4_POST_BIND, A.CGROUP_INET6_POST_BIND],
  ],
  [
    P.CGROUP_SOCK_ADDR,
    [
      A.CGROUP_INET4_BIND,
      A.CGROUP_INET6_BIND,
      A.CGROUP_INET4_CONNECT,
      A.CGROUP_INET6_CONNECT,
      A.CGROUP_UNIX_CONNECT,
      A.CGROUP_INET4_GETPEERNAME,
      A.CGROUP_INET6_GETPEERNAME,
      A.CGROUP_UNIX_GETPEERNAME,
      A.CGROUP_INET4_GETSOCKNAME,
      A.CGROUP_INET6_GETSOCKNAME,
      A.CGROUP_UNIX_GETSOCKNAME,
      A.CGROUP_UDP4_SENDMSG,
      A.CGROUP_UDP6_SENDMSG,
      A.CGROUP_UNIX_SENDMSG,
      A.CGROUP_UDP4_RECVMSG,
      A.CGROUP_UDP6_RECVMSG,
      A.CGROUP_UNIX_RECVMSG,
    ],
  ],
  [P.CGROUP_SKB, [A.CGROUP_INET_INGRESS, A.CGROUP_INET_EGRESS]],
  [P.CGROUP_SOCKOPT, [A.CGROUP_SETSOCKOPT, A.CGROUP_GETSOCKOPT]],
  [P.SK_LOOKUP, [A.SK_LOOKUP]],
  [P.SK_REUSEPORT, [A.SK_REUSEPORT_SELECT, A.SK_REUSEPORT_SELECT_OR_MIGRATE]],
  [P.NETFILTER, [A.NETFILTER]],
  [P.SYSCALL, [0]],
  [P.EXT, [0]],
]);

/** Types that attach to a function or structure of the kernel by BTF id. */
const BY_BTF: readonly number[] = [P.TRACING, P.LSM, P.STRUCT_OPS, P.EXT];

const NET_ADMIN: readonly number[] = [
  P.SCHED_CLS,
  P.SCHED_ACT,
  P.XDP,
  P.LWT_IN,
  P.LWT_OUT,
  P.LWT_XMIT,
  P.LWT_SEG6LOCAL,
  P.SK_SKB,
  P.SK_MSG,
  P.FLOW_DISSECTOR,
  P.CGROUP_DEVICE,
  P.CGROUP_SOCK,
  P.CGROUP_SOCK_ADDR,
  P.CGROUP_SOCKOPT,
  P.CGROUP_SYSCTL,
  P.SOCK_OPS,
  P.EXT,
  P.NETFILTER,
];
const PERFMON: readonly number[] = [
  P.KPROBE,
  P.TRACEPOINT,
  P.PERF_EVENT,
  P.RAW_TRACEPOINT,
  P.RAW_TRACEPOINT_WRITABLE,
  P.TRACING,
  P.LSM,
  P.STRUCT_OPS,
  P.EXT,
];

/** Program types without CONFIG option in this configuration. */
const ABSENT: readonly number[] = [P.UNSPEC, P.LIRC_MODE2];
export const isKnownType = (type: number): boolean => type <= P.NETFILTER && !ABSENT.includes(type);

/** Types that users without any capability may load. */
export const isUnprivType = (type: number): boolean => type === P.SOCKET_FILTER || type === P.CGROUP_SKB;
export const needsNetAdmin = (type: number): boolean => NET_ADMIN.includes(type);
export const needsPerfmon = (type: number): boolean => PERFMON.includes(type);

/** Old loaders leave the attach type of these at 0: `bpf_prog_load_fixup_attach_type`. */
export function fixupAttachType(type: number, expected: number): number {
  if (type === P.CGROUP_SOCK && expected === 0) return A.CGROUP_INET_SOCK_CREATE;
  if (type === P.SK_REUSEPORT && expected === 0) return A.SK_REUSEPORT_SELECT;
  return expected;
}

export function checkAttach(type: number, expected: number, btfId: number, hasTargetProg: boolean): Errno | undefined {
  if (btfId !== 0 && !BY_BTF.includes(type)) return 'EINVAL';
  if (hasTargetProg && type !== P.TRACING && type !== P.EXT) return 'EINVAL';
  const allowed = EXPECTED.get(type);
  return allowed !== undefined && !allowed.includes(expected) ? 'EINVAL' : undefined;
}
