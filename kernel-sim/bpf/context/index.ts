/** Contexts of Linux 6.12: what each program type may read and write of R1, and what that becomes. */

import { progTypeName } from '../../../src/uapi/index.ts';
import type { ContextModel } from '../../../src/verifier/kernel.ts';
import { cgroupDeviceContext, sockoptContext, sysctlContext } from './cgroup.ts';
import type { ContextEnv } from './env.ts';
import {
  kprobeContext,
  netfilterContext,
  perfEventContext,
  rawTracepointContext,
  syscallContext,
  tracepointContext,
} from './regs.ts';
import { skMsgContext } from './sk-msg.ts';
import { skLookupContext, skReuseportContext } from './sk-select.ts';
import { flowDissectorContext, skbContext } from './skb.ts';
import { cgroupSockContext, sockCommonPointer, sockPointer, tcpSockPointer, xdpSockPointer } from './sock.ts';
import { sockAddrContext } from './sock-addr.ts';
import { sockOpsContext } from './sock-ops.ts';
import { xdpContext } from './xdp.ts';

export { layoutOf, type StructLayout } from '../../core/field-layout.ts';
export type { ContextEnv } from './env.ts';
export { iterTarget } from './iter.ts';
export { structOpsMember } from './struct-ops.ts';

/** Program types whose context is not BTF's to describe. */
const MODELS: Readonly<Record<string, (env: ContextEnv) => ContextModel>> = {
  socket_filter: (env) => skbContext(env, 'socketFilter'),
  kprobe: kprobeContext,
  sched_cls: (env) => skbContext(env, 'tc'),
  sched_act: (env) => skbContext(env, 'tc'),
  tracepoint: tracepointContext,
  xdp: xdpContext,
  perf_event: perfEventContext,
  cgroup_skb: (env) => skbContext(env, 'cgroupSkb'),
  cgroup_sock: cgroupSockContext,
  lwt_in: (env) => skbContext(env, 'lwt'),
  lwt_out: (env) => skbContext(env, 'lwt'),
  lwt_xmit: (env) => skbContext(env, 'lwtXmit'),
  lwt_seg6local: (env) => skbContext(env, 'lwt'),
  sock_ops: sockOpsContext,
  sk_skb: (env) => skbContext(env, 'skSkb'),
  cgroup_device: cgroupDeviceContext,
  sk_msg: skMsgContext,
  raw_tracepoint: () => rawTracepointContext(false),
  raw_tracepoint_writable: () => rawTracepointContext(true),
  cgroup_sock_addr: sockAddrContext,
  sk_reuseport: skReuseportContext,
  flow_dissector: flowDissectorContext,
  cgroup_sysctl: sysctlContext,
  cgroup_sockopt: sockoptContext,
  sk_lookup: skLookupContext,
  syscall: syscallContext,
  netfilter: netfilterContext,
};

/** The context of a program type; undefined for those that BTF describes (tracing, lsm, struct_ops, ext) and for unknown ones. */
export const contextModel = (progType: number, env: ContextEnv): ContextModel | undefined =>
  MODELS[progTypeName(progType)]?.(env);

const POINTERS: Readonly<Record<string, (env: ContextEnv) => ContextModel>> = {
  PTR_TO_SOCKET: sockPointer,
  PTR_TO_SOCK_COMMON: sockCommonPointer,
  PTR_TO_TCP_SOCK: tcpSockPointer,
  PTR_TO_XDP_SOCK: xdpSockPointer,
};

/** What lies behind a socket pointer in a register. */
export const pointerModel = (regType: string, env: ContextEnv): ContextModel | undefined => POINTERS[regType]?.(env);
