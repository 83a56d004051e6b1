/** proc, as far as tools of BPF look: symbols, version, sysctls. */
import { ERRNO } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { fdinfoText } from './fdinfo.ts';
import { MAGIC } from './magic.ts';
import { control, directory, link, text } from './nodes.ts';
import type { DirectoryNode, FileNode, Mount } from './types.ts';

/** A number below /proc/sys. */
export interface SysctlValue {
  get(): number;
  /** undefined: it may not be written; false where a value is not taken */
  set?(value: number): boolean;
}

export interface ProcFacts {
  /** /proc/kallsyms */
  readonly kallsyms: () => string | Uint8Array;
  /** what /proc/version says, without newline */
  readonly version: string;
  /** of a process by pid: its mappings, one a line; undefined where there is no such process */
  readonly maps: (pid: number) => string | undefined;
  readonly pids: () => Iterable<number>;
  readonly netns: () => FdObject;
  /** by path below /proc/sys */
  readonly sysctls: Readonly<Record<string, SysctlValue>>;
}

const DECIMAL = /^\s*-?\d+\s*$/;

const sysctl = (path: string, { get, set }: SysctlValue): Mount => ({
  path: `/proc/sys/${path}`,
  node: set
    ? control({
        mode: 0o644,
        read: () => `${get()}\n`,
        write: (value) => (DECIMAL.test(value) && set(Number(value)) ? 0 : -ERRNO.EINVAL),
      })
    : text(() => `${get()}\n`),
  magic: MAGIC.PROC,
});

/** Of the process that looks: a file for each of its descriptors that the model has. */
const FDINFO: DirectoryNode = {
  kind: 'directory',
  mode: 0o555,
  names: ({ fds }) => Array.from(fds.entries(), ([fd]) => String(fd)),
  child: (name, { fds }) => {
    const fd = /^\d+$/.test(name) ? Number(name) : -1;
    const object = fds.find(fd);
    return object && text(() => fdinfoText(object, fds.mode(fd)));
  },
};

/** Of the process that looks: a link for each of its descriptors. */
const FD: DirectoryNode = {
  ...FDINFO,
  mode: 0o500,
  child: (name, { fds }) => {
    const object = /^\d+$/.test(name) ? fds.find(Number(name)) : undefined;
    return object && link(object.fdName);
  },
};

/** The network namespace of the process that looks: there is one. */
const netnsFile = (netns: () => FdObject): FileNode => ({
  kind: 'file',
  mode: 0o444,
  open: () => ({ fdName: netns().fdName, of: netns() }),
});

/** A directory for each task. */
const tasks = ({ maps, pids }: ProcFacts): DirectoryNode => ({
  kind: 'directory',
  mode: 0o555,
  names: () => Array.from(pids(), String),
  child: (name, process) => {
    const pid = /^\d+$/.test(name) ? Number(name) : -1;
    if (maps(pid) === undefined) return undefined;
    const ofSelf = pid === process.pid ? { fd: FD, fdinfo: FDINFO, comm: text(() => `${process.comm}\n`) } : {};
    return directory({ maps: text(() => maps(pid) ?? ''), ...ofSelf }, 0o555);
  },
});

export function procMounts(facts: ProcFacts): Mount[] {
  const { kallsyms, version, sysctls } = facts;
  return [
    { path: '/proc', node: tasks(facts), magic: MAGIC.PROC, own: true },
    { path: '/proc/kallsyms', node: text(kallsyms), magic: MAGIC.PROC },
    { path: '/proc/self/fdinfo', node: FDINFO, magic: MAGIC.PROC },
    { path: '/proc/self/ns/net', node: netnsFile(facts.netns), magic: MAGIC.PROC },
    { path: '/proc/version', node: text(() => `${version}\n`), magic: MAGIC.PROC },
    ...Object.entries(sysctls).map(([path, value]) => sysctl(path, value)),
  ];
}
