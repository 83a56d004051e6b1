/**
 * bpffs, mounted at /sys/fs/bpf: directories, and names that hold BPF objects (Linux 6.12 kernel/bpf/inode.c). It knows
 * of the objects only that they are held and let go.
 */
import { KernelError } from '../core/errno.ts';
import type { FdObject } from '../core/fds.ts';
import { capture, reinstate } from '../core/state.ts';

export const BPFFS_ROOT = '/sys/fs/bpf';

/** A directory that is open. */
export class BpffsDirectory implements FdObject {
  readonly path: string;
  constructor(path: string) {
    this.path = path;
  }
  get fdName(): string {
    return this.path;
  }
}

interface Directory {
  readonly entries: Map<string, Node>;
}
type Node = Directory | { readonly object: FdObject } | { readonly target: string };
const isDirectory = (node: Node): node is Directory => 'entries' in node;

/** What happens to objects as names come and go. */
export interface PinHooks {
  pinned(object: FdObject): void;
  unpinned(object: FdObject): void;
}

export class Bpffs {
  readonly #root: Directory = { entries: new Map() };
  readonly #hooks: PinHooks;
  constructor(hooks: PinHooks) {
    this.#hooks = hooks;
  }

  save() {
    return capture(this.#root);
  }
  restore(state: ReturnType<Bpffs['save']>): void {
    reinstate(state);
  }

  /** @throws KernelError EEXIST; ENOENT, ENOTDIR where the directory is none; EPERM outside of the file system */
  pin(path: string, object: FdObject): void {
    const { directory, name } = this.#place(path);
    directory.entries.set(name, { object });
    this.#hooks.pinned(object);
  }
  /** @throws KernelError ENOENT, ENOTDIR, EACCES: no object of BPF's */
  get(path: string): FdObject {
    const node = this.#walk(path);
    if (node === undefined) throw absent(path);
    if (isDirectory(node)) throw new KernelError('EACCES', `${path} is a directory`);
    if ('target' in node) return this.get(beside(path, node.target));
    return node.object;
  }
  /** @throws KernelError as {@link pin} */
  mkdir(path: string): void {
    const { directory, name } = this.#place(path);
    directory.entries.set(name, { entries: new Map() });
  }
  /** A symbolic link. @throws KernelError as {@link pin} */
  symlink(path: string, target: string): void {
    const { directory, name } = this.#place(path);
    directory.entries.set(name, { target });
  }
  /** Where a link leads; undefined for what is none. */
  target(path: string): string | undefined {
    const node = this.#walk(path);
    return node !== undefined && 'target' in node ? node.target : undefined;
  }
  /** @throws KernelError ENOENT, EISDIR */
  unlink(path: string): void {
    const node = this.#walk(path);
    if (node === undefined) throw new KernelError('ENOENT', path);
    if (isDirectory(node)) throw new KernelError('EISDIR', path);
    this.#remove(path);
    if ('object' in node) this.#hooks.unpinned(node.object);
  }
  /** @throws KernelError ENOENT, ENOTDIR, ENOTEMPTY, EBUSY */
  rmdir(path: string): void {
    const node = this.#walk(path);
    if (node === undefined) throw new KernelError('ENOENT', path);
    if (!isDirectory(node)) throw new KernelError('ENOTDIR', path);
    if (node === this.#root) throw new KernelError('EBUSY', path);
    if (node.entries.size > 0) throw new KernelError('ENOTEMPTY', path);
    this.#remove(path);
  }
  /** What is at a path; undefined where there is nothing. */
  kind(path: string): 'directory' | 'object' | 'link' | undefined {
    try {
      const node = this.#walk(path);
      return node && (isDirectory(node) ? 'directory' : 'target' in node ? 'link' : 'object');
    } catch {
      return undefined;
    }
  }
  /** Names in a directory. @throws KernelError ENOENT, ENOTDIR */
  list(path: string): string[] {
    const node = this.#walk(path);
    if (node === undefined) throw new KernelError('ENOENT', path);
    if (!isDirectory(node)) throw new KernelError('ENOTDIR', path);
    return [...node.entries.keys()];
  }
  /** All pinned objects by path. */
  *entries(): IterableIterator<[path: string, object: FdObject]> {
    yield* this.#entries(this.#root, BPFFS_ROOT);
  }
  *#entries(directory: Directory, path: string): IterableIterator<[string, FdObject]> {
    for (const [name, node] of directory.entries) {
      if (isDirectory(node)) yield* this.#entries(node, `${path}/${name}`);
      else if ('object' in node) yield [`${path}/${name}`, node.object];
    }
  }

  /** Where a new name goes. */
  #place(path: string): { directory: Directory; name: string } {
    const parts = split(path);
    if (parts?.length === 0) throw new KernelError('EEXIST', path);
    const name = parts?.pop();
    if (parts === undefined || name === undefined) throw new KernelError('EPERM', `${path} is not below ${BPFFS_ROOT}`);
    const parent = this.#descend(parts, path);
    if (parent === undefined) throw new KernelError('ENOENT', path);
    if (!isDirectory(parent)) throw new KernelError('ENOTDIR', path);
    // names with a dot are kept for the file system itself
    if (name.includes('.')) throw new KernelError('EPERM', `${path}: no dots in names`);
    if (parent.entries.has(name)) throw new KernelError('EEXIST', path);
    return { directory: parent, name };
  }
  #walk(path: string): Node | undefined {
    const parts = split(path);
    return parts && this.#descend(parts, path);
  }
  #descend(parts: readonly string[], path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    let at = BPFFS_ROOT;
    for (const part of parts) {
      // a link on the way; one to itself, or round in a circle, leads nowhere
      if (node !== undefined && 'target' in node) {
        const target: string = beside(at, node.target);
        node = target.length < at.length || !target.startsWith(at) ? this.#walk(target) : undefined;
      }
      if (node === undefined) return undefined;
      at += `/${part}`;
      if (!isDirectory(node)) throw new KernelError('ENOTDIR', path);
      node = node.entries.get(part);
    }
    return node;
  }
  #remove(path: string): void {
    const parts = split(path) ?? [];
    const name = parts.pop() as string;
    (this.#descend(parts, path) as Directory).entries.delete(name);
  }
}

/** Names with a dot are the file system's own, of which there is none. */
const absent = (path: string): KernelError =>
  new KernelError(split(path)?.at(-1)?.includes('.') ? 'EPERM' : 'ENOENT', path);

/** Where a link at `path` leads, as an absolute path. */
const beside = (path: string, target: string): string =>
  target.startsWith('/') ? target : `${path.slice(0, path.lastIndexOf('/'))}/${target}`;

/** Names below the file system's root; undefined for paths elsewhere. */
function split(path: string): string[] | undefined {
  if (path !== BPFFS_ROOT && !path.startsWith(`${BPFFS_ROOT}/`)) return undefined;
  return path
    .slice(BPFFS_ROOT.length)
    .split('/')
    .filter((part) => part !== '');
}
