/** Descriptors of a program: those of the kernel's objects among them, which system calls of higher floors install. */

import { O } from '../../src/uapi/fcntl.ts';
import { KernelError } from '../core/errno.ts';
import type { FdObject, FdTable } from '../core/fds.ts';
import { capture, reinstate } from '../core/state.ts';
import { isUserFile, type ProgramStreams, Terminal } from './user-files.ts';

/** RLIMIT_NOFILE */
export const MOST_FILES = 1024;

/** Objects of bpf(2) are opened with O_CLOEXEC. */
const closesByItself = ({ fdName }: FdObject): boolean => fdName.startsWith('anon_inode:bpf');

export class OpenFiles {
  /** as system calls see it */
  readonly fds: FdTable;
  readonly #closeOnExec = new Set<number>();

  /** `fds`: a table that is empty */
  constructor(fds: FdTable, streams: ProgramStreams) {
    this.fds = fds;
    for (const fd of [1, 1, 2] as const) fds.install(new Terminal(streams, fd, O.RDWR));
  }
  save() {
    return capture({ fds: this.fds, closeOnExec: this.#closeOnExec });
  }
  restore(state: ReturnType<OpenFiles['save']>): void {
    reinstate(state);
  }

  /** @throws KernelError EBADF */
  get(fd: number): FdObject {
    return this.fds.get(fd);
  }
  /** What may be read from. @throws KernelError EBADF */
  readable(fd: number): FdObject {
    if (!this.fds.mode(fd).read) throw new KernelError('EBADF', 'it is open for writing only');
    return this.get(fd);
  }
  /** @throws KernelError EBADF */
  writable(fd: number): FdObject {
    if (!this.fds.mode(fd).write) throw new KernelError('EBADF', 'it is open for reading only');
    return this.get(fd);
  }
  /** The lowest descriptor that is free, from `least` on; `flags` are open(2)'s. @throws KernelError EMFILE */
  install(object: FdObject, flags: number, least = 0): number {
    const access = flags & O.ACCMODE;
    const fd = this.fds.install(object, { read: access !== O.WRONLY, write: access !== 0 }, least);
    if (fd >= MOST_FILES) {
      this.fds.close(fd);
      throw new KernelError('EMFILE', `${MOST_FILES} files are open`);
    }
    this.setCloseOnExec(fd, (flags & O.CLOEXEC) !== 0);
    return fd;
  }
  /** F_GETFL: how it was opened, and the status flags of the description. */
  flags(fd: number): number {
    const object = this.get(fd);
    const { read, write } = this.fds.mode(fd);
    const access = read && write ? O.RDWR : write ? O.WRONLY : 0;
    return access | (isUserFile(object) ? object.flags & ~(O.ACCMODE | O.CLOEXEC) : 0);
  }
  /** dup3(2) @throws KernelError EBADF */
  dup(from: number, to: number, cloexec: boolean): void {
    this.fds.dup(from, to);
    this.setCloseOnExec(to, cloexec);
  }
  /** @throws KernelError EBADF */
  close(fd: number): void {
    this.fds.close(fd);
    this.#closeOnExec.delete(fd);
  }
  closesOnExec(fd: number): boolean {
    return this.#closeOnExec.has(fd) || closesByItself(this.get(fd));
  }
  setCloseOnExec(fd: number, on: boolean): void {
    if (on) this.#closeOnExec.add(fd);
    else this.#closeOnExec.delete(fd);
  }
  exec(): void {
    for (const [fd] of [...this.fds.entries()]) if (this.closesOnExec(fd)) this.close(fd);
  }
  /** The process ends. */
  closeAll(): void {
    this.#closeOnExec.clear();
    this.fds.closeAll();
  }
}
