/** Kinds of namespaces, a row each (namespaces(7); include/linux/proc_ns.h and include/linux/nsproxy.h, Linux 6.12). */

/** CLONE_NEW*, `struct` and, of the initial one, data symbol and inode number; where `struct nsproxy` points to it. */
interface Row {
  readonly flag: number;
  readonly struct: string;
  readonly symbol: string | undefined;
  readonly inode: number;
  readonly fields: readonly string[];
  /** it is in another of its kind: `parent` and `level` */
  readonly nested: boolean;
}
export const NAMESPACES = {
  mnt: {
    flag: 0x0002_0000,
    struct: 'mnt_namespace',
    symbol: undefined,
    inode: 0xf000_0001,
    fields: ['mnt_ns'],
    nested: false,
  },
  uts: {
    flag: 0x0400_0000,
    struct: 'uts_namespace',
    symbol: 'init_uts_ns',
    inode: 0xefff_fffe,
    fields: ['uts_ns'],
    nested: false,
  },
  ipc: {
    flag: 0x0800_0000,
    struct: 'ipc_namespace',
    symbol: 'init_ipc_ns',
    inode: 0xefff_ffff,
    fields: ['ipc_ns'],
    nested: false,
  },
  pid: {
    ...{ flag: 0x2000_0000, struct: 'pid_namespace', symbol: 'init_pid_ns', inode: 0xefff_fffc },
    ...{ fields: ['pid_ns_for_children'], nested: true },
  },
  cgroup: {
    ...{ flag: 0x0200_0000, struct: 'cgroup_namespace', symbol: 'init_cgroup_ns', inode: 0xefff_fffb },
    ...{ fields: ['cgroup_ns'], nested: false },
  },
  net: { flag: 0x4000_0000, struct: 'net', symbol: 'init_net', inode: 0xf000_0000, fields: ['net_ns'], nested: false },
  time: {
    ...{ flag: 0x80, struct: 'time_namespace', symbol: 'init_time_ns', inode: 0xefff_fffa },
    ...{ fields: ['time_ns_for_children', 'time_ns'], nested: false },
  },
  user: {
    ...{ flag: 0x1000_0000, struct: 'user_namespace', symbol: 'init_user_ns', inode: 0xefff_fffd },
    ...{ fields: [], nested: true },
  },
} as const satisfies Readonly<Record<string, Row>>;
export type NamespaceKind = keyof typeof NAMESPACES;
export const NAMESPACE_KINDS = Object.keys(NAMESPACES) as readonly NamespaceKind[];

/** The kind that a CLONE_NEW* flag makes. */
export const namespaceOfFlag = (flag: number): NamespaceKind | undefined =>
  NAMESPACE_KINDS.find((kind) => NAMESPACES[kind].flag === flag);
/** All of CLONE_NEW* but CLONE_NEWUSER: what a `struct nsproxy` has. */
export const IN_NSPROXY = NAMESPACE_KINDS.reduce(
  (all, kind) => (kind === 'user' ? all : all | NAMESPACES[kind].flag),
  0,
);
