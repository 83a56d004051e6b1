/** Descriptors of a program: what each refers to, shared by dup(2) with its position. */
import { KernelError } from '../core/errno.ts';
import { capture } from '../core/state.ts';
import type { RootNode } from './root.ts';

/** What a program's standard streams are connected to. */
export interface ProgramStreams {
  /** Bytes of standard input, at most so many; none at its end. */
  read(bytes: number): Uint8Array;
  /** Bytes that go to standard output (1) or error (2). */
  write(fd: 1 | 2, bytes: Uint8Array): void;
}

export interface OpenFile {
  readonly path: string;
  /** a file of the root; undefined for a terminal */
  readonly node: RootNode | undefined;
  /** open(2)'s flags */
  flags: number;
  /** bytes from its beginning */
  position: number;
  /** end of a pipe: what was written and not read yet */
  readonly pipe?: { bytes: Uint8Array };
}

/** O_ACCMODE and what matters beside it */
export const O = {
  WRONLY: 1,
  RDWR: 2,
  ACCMODE: 3,
  CREAT: 0o100,
  EXCL: 0o200,
  TRUNC: 0o1000,
  APPEND: 0o2000,
  DIRECTORY: 0o200000,
  CLOEXEC: 0o2000000,
} as const;
export const TERMINAL = '/dev/pts/0';
/** RLIMIT_NOFILE */
export const MOST_FILES = 1024;

export class OpenFiles {
  readonly #table = new Map<number, OpenFile>();
  readonly #closeOnExec = new Set<number>();

  constructor() {
    for (const fd of [0, 1, 2]) this.#table.set(fd, { path: TERMINAL, node: undefined, flags: O.RDWR, position: 0 });
  }
  save() {
    return capture({ table: this.#table, closeOnExec: this.#closeOnExec });
  }
  restore(state: ReturnType<OpenFiles['save']>): void {
    state.back();
  }

  /** @throws KernelError EBADF */
  get(fd: number): OpenFile {
    const file = this.#table.get(fd);
    if (file === undefined) throw new KernelError('EBADF', `descriptor ${fd} is not open`);
    return file;
  }
  /** The lowest descriptor that is free, from `least` on. @throws KernelError EMFILE */
  install(file: OpenFile, least = 0): number {
    let fd = least;
    while (this.#table.has(fd)) fd++;
    if (fd >= MOST_FILES) throw new KernelError('EMFILE', `${MOST_FILES} files are open`);
    this.put(fd, file);
    return fd;
  }
  put(fd: number, file: OpenFile): void {
    this.#table.set(fd, file);
    this.setCloseOnExec(fd, (file.flags & O.CLOEXEC) !== 0);
  }
  /** @throws KernelError EBADF */
  close(fd: number): void {
    this.get(fd);
    this.#table.delete(fd);
    this.#closeOnExec.delete(fd);
  }
  closesOnExec(fd: number): boolean {
    return this.#closeOnExec.has(fd);
  }
  setCloseOnExec(fd: number, on: boolean): void {
    if (on) this.#closeOnExec.add(fd);
    else this.#closeOnExec.delete(fd);
  }
  /** Names of the open descriptors, as /proc/self/fd has them. */
  numbers(): number[] {
    return [...this.#table.keys()].sort((a, b) => a - b);
  }
  exec(): void {
    for (const fd of [...this.#closeOnExec]) this.close(fd);
  }
}
