/** What recorded calls do to the hierarchy through its file system: mkdir(2) below /sys/fs/cgroup, and pids written to cgroup.procs (Documentation/admin-guide/cgroup-v2.rst). */
import type { Addr } from '../../src/machine/addr.ts';
import { decodeLatin1 } from '../../src/platform/index.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { On } from './run.ts';

const MOUNT = '/sys/fs/cgroup';
const PROCS = '/cgroup.procs';

interface Hierarchy {
  has(path: string): boolean;
  mkdir(path: string): unknown;
  move(path: string, pid: number): void;
}

export function registerCgroupFs(kernel: ObjectFloor, on: On, groups: Hierarchy): void {
  const { args, memory, structs, files, tasks, text } = kernel;
  text.maker.mayCall(['kernfs_fop_write_iter', 'kernfs_iop_mkdir']);
  const dentry = (file: Addr): Addr => memory.readAddr(file + structs.of('file').offset('f_path.dentry'));
  const below = (path: string): string | undefined =>
    path.startsWith(`${MOUNT}/`) ? path.slice(MOUNT.length) : undefined;
  /** the group and those above it, which the recording may not have seen made */
  const ensure = (path: string): void => {
    if (path === '' || groups.has(path)) return;
    ensure(path.slice(0, path.lastIndexOf('/')));
    groups.mkdir(path);
  };

  on('inode_mkdir', () =>
    args.retAddr(below(files.dcache.pathOf(args.addr(0))) === undefined ? 0 : text.place('kernfs_iop_mkdir')),
  );
  on('cgroup_mkdir', () => ensure(below(files.dcache.pathOf(args.addr(0))) ?? ''));
  on('is_cgroup_procs', () => args.retU32(files.dcache.pathOf(dentry(args.addr(0))).endsWith(PROCS) ? 1 : 0));
  // a pid, or 0 for the writer itself
  on('cgroup_procs_write', () => {
    const path = below(files.dcache.pathOf(dentry(args.addr(0))));
    const data = tasks.current.call?.args[1];
    if (path === undefined || (data?.kind !== 'bytes' && data?.kind !== 'string')) return;
    const pid = Number.parseInt(decodeLatin1(data.bytes), 10);
    if (Number.isNaN(pid)) return;
    const group = path.slice(0, -PROCS.length);
    ensure(group);
    groups.move(group === '' ? '/' : group, pid === 0 ? tasks.current.tgid : pid);
  });
}
