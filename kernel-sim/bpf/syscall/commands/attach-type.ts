/** Which program goes where: `attach_type_to_prog_type` and `bpf_prog_attach_check_attach_type` of Linux 6.12, kernel/bpf/syscall.c. */
import { BPF_ATTACH_TYPE as A, BPF_PROG_TYPE as P } from '../../../../src/uapi/index.ts';
import { netCapable } from '../../../core/process.ts';
import type { BpfProg } from '../../prog/prog.ts';
import type { Call } from './call.ts';

/** Program type that an attach type is for; none for those that are of several. */
const PROG_TYPE: ReadonlyMap<number, number> = new Map(
  (
    [
      [P.CGROUP_SKB, [A.CGROUP_INET_INGRESS, A.CGROUP_INET_EGRESS]],
      [
        P.CGROUP_SOCK,
        [A.CGROUP_INET_SOCK_CREATE, A.CGROUP_INET_SOCK_RELEASE, A.CGROUP_INET4_POST_BIND, A.CGROUP_INET6_POST_BIND],
      ],
      [
        P.CGROUP_SOCK_ADDR,
        [
          ...[
            A.CGROUP_INET4_BIND,
            A.CGROUP_INET6_BIND,
            A.CGROUP_INET4_CONNECT,
            A.CGROUP_INET6_CONNECT,
            A.CGROUP_UNIX_CONNECT,
          ],
          ...[A.CGROUP_INET4_GETPEERNAME, A.CGROUP_INET6_GETPEERNAME, A.CGROUP_UNIX_GETPEERNAME],
          ...[A.CGROUP_INET4_GETSOCKNAME, A.CGROUP_INET6_GETSOCKNAME, A.CGROUP_UNIX_GETSOCKNAME],
          ...[A.CGROUP_UDP4_SENDMSG, A.CGROUP_UDP6_SENDMSG, A.CGROUP_UNIX_SENDMSG],
          ...[A.CGROUP_UDP4_RECVMSG, A.CGROUP_UDP6_RECVMSG, A.CGROUP_UNIX_RECVMSG],
        ],
      ],
      [P.SOCK_OPS, [A.CGROUP_SOCK_OPS]],
      [P.CGROUP_DEVICE, [A.CGROUP_DEVICE]],
      [P.SK_MSG, [A.SK_MSG_VERDICT]],
      [P.SK_SKB, [A.SK_SKB_STREAM_PARSER, A.SK_SKB_STREAM_VERDICT, A.SK_SKB_VERDICT]],
      [P.LIRC_MODE2, [A.LIRC_MODE2]],
      [P.FLOW_DISSECTOR, [A.FLOW_DISSECTOR]],
      [P.CGROUP_SYSCTL, [A.CGROUP_SYSCTL]],
      [P.CGROUP_SOCKOPT, [A.CGROUP_GETSOCKOPT, A.CGROUP_SETSOCKOPT]],
      [P.TRACING, [A.TRACE_ITER, A.TRACE_RAW_TP, A.TRACE_FENTRY, A.TRACE_FEXIT, A.MODIFY_RETURN]],
      [P.LSM, [A.LSM_MAC, A.LSM_CGROUP]],
      [P.SK_LOOKUP, [A.SK_LOOKUP]],
      [P.XDP, [A.XDP]],
      [P.SCHED_CLS, [A.TCX_INGRESS, A.TCX_EGRESS, A.NETKIT_PRIMARY, A.NETKIT_PEER]],
    ] as const
  ).flatMap(([type, attach]) => attach.map((a) => [a, type] as const)),
);
export const progTypeOf = (attachType: number): number => PROG_TYPE.get(attachType) ?? P.UNSPEC;

const EXACT: readonly number[] = [P.CGROUP_SOCK, P.CGROUP_SOCK_ADDR, P.CGROUP_SOCKOPT, P.SK_LOOKUP];
const KPROBE_KINDS: readonly number[] = [A.TRACE_KPROBE_MULTI, A.TRACE_KPROBE_SESSION, A.TRACE_UPROBE_MULTI];

/** @throws EINVAL, EPERM */
export function checkAttachType(call: Call, prog: BpfProg, attachType: number): void {
  const { type, expectedAttachType: expected } = prog;
  if (type === P.CGROUP_SKB && !netCapable(call.process)) call.fail('EPERM', 'CAP_NET_ADMIN is needed');
  if (!fits())
    call.fail('EINVAL', `a program of type ${type} and attach type ${expected} does not go to ${attachType}`);

  function fits(): boolean {
    if (EXACT.includes(type)) return attachType === expected;
    switch (type) {
      case P.CGROUP_SKB:
        return progTypeOf(attachType) === type;
      case P.EXT:
        return true;
      case P.NETFILTER:
        return attachType === A.NETFILTER;
      case P.PERF_EVENT:
      case P.TRACEPOINT:
        return attachType === A.PERF_EVENT;
      case P.KPROBE:
        if (KPROBE_KINDS.includes(expected) && attachType !== expected) return false;
        return attachType === A.PERF_EVENT || KPROBE_KINDS.includes(attachType);
      default:
        return progTypeOf(attachType) === type;
    }
  }
}
