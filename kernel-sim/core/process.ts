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

/** Capabilities by name: include/uapi/linux/capability.h. */
export const CAP = {
  CHOWN: 0,
  DAC_OVERRIDE: 1,
  DAC_READ_SEARCH: 2,
  FOWNER: 3,
  FSETID: 4,
  KILL: 5,
  SETGID: 6,
  SETUID: 7,
  SETPCAP: 8,
  LINUX_IMMUTABLE: 9,
  NET_BIND_SERVICE: 10,
  NET_BROADCAST: 11,
  NET_ADMIN: 12,
  NET_RAW: 13,
  IPC_LOCK: 14,
  IPC_OWNER: 15,
  SYS_MODULE: 16,
  SYS_RAWIO: 17,
  SYS_CHROOT: 18,
  SYS_PTRACE: 19,
  SYS_PACCT: 20,
  SYS_ADMIN: 21,
  SYS_BOOT: 22,
  SYS_NICE: 23,
  SYS_RESOURCE: 24,
  SYS_TIME: 25,
  SYS_TTY_CONFIG: 26,
  MKNOD: 27,
  LEASE: 28,
  AUDIT_WRITE: 29,
  AUDIT_CONTROL: 30,
  SETFCAP: 31,
  MAC_OVERRIDE: 32,
  MAC_ADMIN: 33,
  SYSLOG: 34,
  WAKE_ALARM: 35,
  BLOCK_SUSPEND: 36,
  AUDIT_READ: 37,
  PERFMON: 38,
  BPF: 39,
  CHECKPOINT_RESTORE: 40,
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
