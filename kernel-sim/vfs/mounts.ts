/** Paths to nodes: the file systems of the model, each at its place. */

import { O } from '../../src/uapi/fcntl.ts';
import { ERRNO } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import type { DirEntry, FileStat } from '../core/file-ops.ts';
import type { Process } from '../core/process.ts';
import { MAGIC } from './magic.ts';
import { statOf } from './nodes.ts';
import type { DirectoryNode, KernelFiles, Mount, Node } from './types.ts';

/** links that lead to links, at most */
const MOST_LINKS = 40;
/** f_type to what mount(8) calls it, of those that programs look for */
const TYPES: Readonly<Record<number, string>> = {
  [MAGIC.BPFFS]: 'bpf',
  [MAGIC.CGROUP2]: 'cgroup2',
  [MAGIC.TRACEFS]: 'tracefs',
};
const DT = { directory: 4, file: 8, link: 10 } as const;

/** A directory that is open. */
class OpenDirectory implements FdObject {
  readonly fdName: string;
  readonly of: object | undefined;
  readonly #list: () => readonly DirEntry[];
  readonly #stat: FileStat;
  constructor(path: string, of: object | undefined, stat: FileStat, list: () => readonly DirEntry[]) {
    this.fdName = path;
    this.of = of;
    this.#stat = stat;
    this.#list = list;
  }
  readdir(): readonly DirEntry[] {
    return this.#list();
  }
  stat(): FileStat {
    return this.#stat;
  }
}

/** A file as its node made it, which knows what stat(2) says. */
const withStat = (object: FdObject, path: string, stat: FileStat): FdObject =>
  Object.assign(object, {
    fdName: object.fdName.startsWith('net:') ? object.fdName : path,
    stat: object.stat?.bind(object) ?? (() => stat),
  });

export class Mounts implements KernelFiles {
  /** the deepest first */
  readonly #mounts: Mount[] = [];
  /** numbers that paths were given */
  readonly #inodes = new Map<string, number>();

  mount(...mounts: readonly Mount[]): void {
    this.#mounts.push(...mounts);
    this.#mounts.sort((a, b) => b.path.length - a.path.length);
  }
  #at(path: string): Mount | undefined {
    return this.#mounts.find((m) => path === m.path || path.startsWith(`${m.path}/`));
  }
  has(path: string, own = false): boolean {
    const mount = this.#at(path);
    if (mount === undefined || (mount.own && !own)) return false;
    return path === mount.path || mount.node.kind === 'directory';
  }

  /** What a path leads to; links on the way are followed, the last one where `follow` says so. */
  #walk(path: string, process: Process, follow = true, links = 0): Node | number {
    const mount = this.#at(path);
    if (!mount) return -ERRNO.ENOENT;
    let node: Node = mount.node;
    const parts = path.slice(mount.path.length).split('/').filter(Boolean);
    let done = mount.path;
    for (const [n, part] of parts.entries()) {
      if (node.kind !== 'directory') return -ERRNO.ENOTDIR;
      const child: Node | undefined = node.child(part, process);
      if (!child) return -ERRNO.ENOENT;
      if (child.kind === 'link' && (follow || n < parts.length - 1)) {
        if (links >= MOST_LINKS) return -ERRNO.ELOOP;
        const target = child.target.startsWith('/') ? child.target : `${done}/${child.target}`;
        return this.#walk([target, ...parts.slice(n + 1)].join('/'), process, follow, links + 1);
      }
      node = child;
      done += `/${part}`;
    }
    return node;
  }
  #directory(path: string, process: Process): DirectoryNode | number {
    const node = this.#walk(path, process);
    if (typeof node === 'number') return node;
    return node.kind === 'directory' ? node : -ERRNO.ENOTDIR;
  }
  #ino(path: string): number {
    let ino = this.#inodes.get(path);
    if (ino === undefined) {
      ino = this.#inodes.size + 1;
      this.#inodes.set(path, ino);
    }
    return ino;
  }

  open(path: string, flags: number, _mode: number, process: Process): FdObject | number {
    const node = this.#walk(path, process);
    if (typeof node === 'number') return node;
    if (node.kind === 'directory') {
      if ((flags & O.ACCMODE) !== 0) return -ERRNO.EISDIR;
      return new OpenDirectory(path, node.of, statOf(node, this.#ino(path)), () => this.#entries(path, node, process));
    }
    if (node.kind !== 'file') return -ERRNO.ELOOP;
    if (flags & O.DIRECTORY) return -ERRNO.ENOTDIR;
    const opened = node.open(flags, process);
    return typeof opened === 'number' ? opened : withStat(opened, path, statOf(node, this.#ino(path)));
  }
  stat(path: string, process: Process, follow = true): FileStat | number {
    const node = this.#walk(path, process, follow);
    return typeof node === 'number' ? node : statOf(node, this.#ino(path));
  }
  access(path: string, mode: number, process: Process): number {
    const node = this.#walk(path, process);
    if (typeof node === 'number') return node;
    // root may read and write anything, and execute what anyone may
    if (process.uid === 0 || node.kind === 'link')
      return mode & 1 && node.kind === 'file' && !(node.mode & 0o111) ? -ERRNO.EACCES : 0;
    return (node.mode & mode) === mode ? 0 : -ERRNO.EACCES;
  }
  readdir(path: string, process: Process): readonly DirEntry[] | number {
    const node = this.#directory(path, process);
    return typeof node === 'number' ? node : this.#entries(path, node, process);
  }
  #entries(path: string, node: DirectoryNode, process: Process): DirEntry[] {
    const out: DirEntry[] = [
      { name: '.', ino: this.#ino(path), type: DT.directory },
      { name: '..', ino: 1, type: DT.directory },
    ];
    for (const name of node.names(process)) {
      const child = node.child(name, process);
      if (child) out.push({ name, ino: this.#ino(`${path}/${name}`), type: DT[child.kind] });
    }
    return out;
  }
  readlink(path: string, process: Process): string | number {
    const node = this.#walk(path, process, false);
    if (typeof node === 'number') return node;
    return node.kind === 'link' ? node.target : -ERRNO.EINVAL;
  }
  mkdir(path: string, _mode: number, process: Process): number {
    return this.#change(path, process, (parent, name, there) =>
      there ? -ERRNO.EEXIST : (parent.mkdir?.(name) ?? -ERRNO.EPERM),
    );
  }
  rmdir(path: string, process: Process): number {
    return this.#change(path, process, (parent, name, there) => {
      if (!there) return -ERRNO.ENOENT;
      return there.kind === 'directory' ? (parent.rmdir?.(name) ?? -ERRNO.EPERM) : -ERRNO.ENOTDIR;
    });
  }
  unlink(path: string, process: Process): number {
    return this.#change(path, process, (parent, name, there) => {
      if (!there) return -ERRNO.ENOENT;
      return there.kind === 'directory' ? -ERRNO.EISDIR : (parent.unlink?.(name) ?? -ERRNO.EPERM);
    });
  }
  #change(
    path: string,
    process: Process,
    change: (parent: DirectoryNode, name: string, there: Node | undefined) => number,
  ): number {
    const slash = path.lastIndexOf('/');
    const name = path.slice(slash + 1);
    const parent = this.#directory(path.slice(0, slash) || '/', process);
    if (typeof parent === 'number') return this.#at(path)?.path === path ? -ERRNO.EBUSY : parent;
    return change(parent, name, parent.child(name, process));
  }
  symlink(target: string, path: string, process: Process): number {
    return this.#change(path, process, (parent, name, there) =>
      there ? -ERRNO.EEXIST : (parent.symlink?.(name, target) ?? -ERRNO.EPERM),
    );
  }
  mounted(): readonly { readonly path: string; readonly type: string }[] {
    return this.#mounts.flatMap(({ path, node, magic, own }) => {
      const type = TYPES[magic];
      return type === undefined || own || node.kind !== 'directory' ? [] : [{ path, type }];
    });
  }
  statfs(path: string): number {
    return this.#at(path)?.magic ?? -ERRNO.ENOENT;
  }
}
