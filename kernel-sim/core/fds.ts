/** File descriptors of a process: open files by number, several of which may be one object's. */
import { KernelError } from './errno.ts';
import type { FileOps } from './file-ops.ts';
import { capture, reinstate } from './state.ts';

/** What a descriptor refers to: a map, a program, a link, a BTF object, a perf event, a file of the kernel's ... */
export interface FdObject extends FileOps {
  /** as /proc/PID/fd shows it, e.g. `anon_inode:bpf-map` */
  readonly fdName: string;
  /** what of the kernel's an open file or directory stands for: a cgroup, a network namespace */
  readonly of?: object | undefined;
  /** Where more than descriptors may refer to it: those count once together. */
  get?(): unknown;
  put?(): void;
  /** the last descriptor of any process was closed */
  release?(): void;
}

/** How a file was opened (f_mode). */
export interface FileMode {
  readonly read: boolean;
  readonly write: boolean;
}
const READ_WRITE: FileMode = { read: true, write: true };

interface OpenFile {
  readonly object: FdObject;
  readonly mode: FileMode;
}

export class FdTable {
  readonly #open: (OpenFile | undefined)[] = [];
  /** descriptors of all processes, by object */
  readonly #refs: Map<FdObject, number>;
  readonly #first: number;
  /** what is open at a number that this table was not told of */
  elsewhere: ((fd: number) => FdObject | undefined) | undefined;
  /** none below it is free */
  #lowest: number;

  /** `first`: the lowest number that it gives out; 0 to 2 are the terminal's. */
  constructor(first = 3, refs = new Map<FdObject, number>()) {
    this.#first = first;
    this.#lowest = first;
    this.#refs = refs;
  }
  save() {
    return capture({ open: this.#open.slice(), refs: this.#refs, lowest: this.#lowest });
  }
  restore(state: ReturnType<FdTable['save']>): void {
    const { open, lowest } = reinstate(state);
    this.#open.length = 0;
    this.#open.push(...open);
    this.#lowest = lowest;
  }

  /** Another process's table, empty, with objects that both may refer to. */
  sibling(first = this.#first): FdTable {
    return new FdTable(first, this.#refs);
  }
  /** fork(2): a table of its own with the same files open. */
  fork(): FdTable {
    const copy = this.sibling();
    for (const [fd, file] of this.#open.entries()) if (file) copy.#put(fd, file);
    return copy;
  }

  /** Lowest free descriptor, not below `from`. */
  install(object: FdObject, mode: FileMode = READ_WRITE, from = 0): number {
    let fd = Math.max(this.#lowest, from);
    while (this.#open[fd]) fd++;
    if (from <= this.#lowest) this.#lowest = fd + 1;
    this.#put(fd, { object, mode });
    return fd;
  }
  #put(fd: number, file: OpenFile): void {
    this.#open[fd] = file;
    this.#refs.set(file.object, (this.#refs.get(file.object) ?? 0) + 1);
  }
  /** The object behind a descriptor. @throws KernelError EBADF */
  get(fd: number): FdObject {
    const object = this.find(fd);
    if (!object) throw new KernelError('EBADF', `file descriptor ${fd} is not open`);
    return object;
  }
  find(fd: number): FdObject | undefined {
    return this.#open[fd]?.object ?? this.elsewhere?.(fd);
  }
  /** How it was opened. */
  mode(fd: number): FileMode {
    return this.#open[fd]?.mode ?? READ_WRITE;
  }
  /** dup(2) and dup2(2): the new descriptor, `to` or the lowest free one. @throws KernelError EBADF */
  dup(fd: number, to?: number): number {
    const object = this.get(fd);
    const mode = this.mode(fd);
    if (to === undefined) return this.install(object, mode);
    if (to === fd) return fd;
    if (this.#open[to]) this.close(to);
    this.#put(to, { object, mode });
    return to;
  }
  /** @throws KernelError EBADF */
  close(fd: number): void {
    const object = this.#open[fd]?.object;
    if (!object) throw new KernelError('EBADF', `file descriptor ${fd} is not open`);
    this.#open[fd] = undefined;
    this.#lowest = Math.max(this.#first, Math.min(this.#lowest, fd));
    const left = (this.#refs.get(object) ?? 1) - 1;
    if (left > 0) this.#refs.set(object, left);
    else {
      this.#refs.delete(object);
      object.release?.();
    }
  }
  /** The process ends. */
  closeAll(): void {
    for (const [fd] of this.entries()) this.close(fd);
  }
  /** Whether any descriptor, of whichever process, refers to it. */
  has(object: FdObject): boolean {
    return this.#refs.has(object);
  }
  *entries(): IterableIterator<[number, FdObject]> {
    for (const [fd, file] of this.#open.entries()) if (file) yield [fd, file.object];
  }
}
