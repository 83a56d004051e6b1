/** The hierarchy as a file system, at /sys/fs/cgroup (Documentation/admin-guide/cgroup-v2.rst): groups, and the files of each that say who is in it. */
import { doneOrErrno, ERRNO } from '../core/errno.ts';
import type { Process } from '../core/process.ts';
import type { Task } from '../task/task.ts';
import { MAGIC } from '../vfs/magic.ts';
import { control, text } from '../vfs/nodes.ts';
import type { DirectoryNode, FileNode, Mount } from '../vfs/types.ts';
import type { Cgroup } from './cgroup.ts';

interface Hierarchy {
  readonly root: Cgroup;
  all(): Iterable<Cgroup>;
  of(task: Pick<Task, 'pid'>): Cgroup;
  mkdir(path: string): Cgroup;
  move(path: string, pid: number): void;
}
interface Tasks {
  all(): Iterable<Pick<Task, 'pid' | 'tgid'>>;
}

/** Files of a group by name. Controllers are not modelled: there are none to be given to children. */
function filesOf(groups: Hierarchy, tasks: Tasks, group: Cgroup): (process: Process) => Record<string, FileNode> {
  const members = (): number[] =>
    Array.from(tasks.all()).flatMap((task) => (task.pid !== 0 && groups.of(task) === group ? [task.pid] : []));
  const pids = (of: readonly number[]): string => of.map((pid) => `${pid}\n`).join('');
  const procs = (process: Process): FileNode =>
    control({
      mode: 0o644,
      read: () => pids(members()),
      write: (line) => {
        if (!/^\s*\d+\s*$/.test(line)) return -ERRNO.EINVAL;
        const pid = Number(line) || process.pid;
        return doneOrErrno(() => groups.move(group.path, pid));
      },
    });
  const own: Record<string, FileNode> =
    group.parent === undefined
      ? {}
      : {
          'cgroup.type': text(() => 'domain\n', { mode: 0o644 }),
          'cgroup.events': text(() => `populated ${members().length > 0 ? 1 : 0}\nfrozen 0\n`),
        };
  return (process) => ({
    ...own,
    'cgroup.controllers': text(() => '\n'),
    'cgroup.procs': procs(process),
    'cgroup.subtree_control': text(() => '\n', { mode: 0o644 }),
    'cgroup.threads': procs(process),
  });
}

function directory(groups: Hierarchy, tasks: Tasks, group: Cgroup): DirectoryNode {
  const files = filesOf(groups, tasks, group);
  const below = (name: string): string => `${group.parent === undefined ? '' : group.path}/${name}`;
  const children = (): Cgroup[] => Array.from(groups.all()).filter(({ parent }) => parent === group);
  return {
    kind: 'directory',
    mode: 0o755,
    of: group,
    ino: group.id,
    names: (process) => [
      ...Object.keys(files(process)),
      ...children().map(({ path }) => path.slice(path.lastIndexOf('/') + 1)),
    ],
    child: (name, process) => {
      const child = children().find(({ path }) => path === below(name));
      if (child !== undefined) return directory(groups, tasks, child);
      const all = files(process);
      return Object.hasOwn(all, name) ? all[name] : undefined;
    },
    mkdir: (name) => doneOrErrno(() => groups.mkdir(below(name))),
  };
}

export const cgroupMount = (groups: Hierarchy, tasks: Tasks): Mount => ({
  path: '/sys/fs/cgroup',
  node: directory(groups, tasks, groups.root),
  magic: MAGIC.CGROUP2,
});
