/** Who makes a system call: its credentials, descriptors and memory. A task of the guest, a process of the host, or the loader. */
import type { FdTable } from './fds.ts';
import type { UserAccess } from './user-access.ts';

export interface Process {
  /** process id (tgid) and thread id */
  readonly pid: number;
  readonly tid: number;
  readonly comm: string;
  readonly uid: number;
  /** effective capabilities, a bit each: capabilities(7) */
  readonly caps: bigint;
  readonly fds: FdTable;
  readonly memory: UserAccess;
}

/** Capabilities that BPF and perf ask for: include/uapi/linux/capability.h. */
export const CAP = {
  NET_ADMIN: 12,
  SYS_RESOURCE: 24,
  SYS_ADMIN: 21,
  SYSLOG: 34,
  PERFMON: 38,
  BPF: 39,
} as const;
export type Capability = keyof typeof CAP;

/** Every capability of 6.12, CAP_CHOWN to CAP_CHECKPOINT_RESTORE. */
export const ALL_CAPS = (1n << 41n) - 1n;

/** capable() */
export const capable = ({ caps }: Pick<Process, 'caps'>, cap: Capability): boolean =>
  ((caps >> BigInt(CAP[cap])) & 1n) === 1n;

/** bpf_capable() and perfmon_capable(): CAP_SYS_ADMIN holds what was split off from it. */
export const bpfCapable = (who: Pick<Process, 'caps'>): boolean => capable(who, 'BPF') || capable(who, 'SYS_ADMIN');
export const perfmonCapable = (who: Pick<Process, 'caps'>): boolean =>
  capable(who, 'PERFMON') || capable(who, 'SYS_ADMIN');
/** bpf_net_capable() */
export const netCapable = (who: Pick<Process, 'caps'>): boolean =>
  capable(who, 'NET_ADMIN') || capable(who, 'SYS_ADMIN');
