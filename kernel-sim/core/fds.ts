/** File descriptors of the process that loads programs (`ebpf-emu` itself, as a task of the guest). */
import { KernelError } from './errno.ts';

/** What a descriptor refers to: a map, a program, a link, a BTF object, a perf event ... */
export interface FdObject {
  /** as /proc/PID/fd shows it, e.g. `anon_inode:bpf-map` */
  readonly fdName: string;
  /** Where more than descriptors may refer to it: those count once together. */
  get?(): unknown;
  put?(): void;
  /** the last descriptor was closed */
  release?(): void;
}

export class FdTable {
  readonly #open: (FdObject | undefined)[] = [];
  readonly #refs = new Map<FdObject, number>();
  /** none below it is free */
  #lowest = 3;

  /** Lowest free descriptor from 3 on (0 to 2 are the terminal's). */
  install(object: FdObject): number {
    let fd = this.#lowest;
    while (this.#open[fd]) fd++;
    this.#lowest = fd + 1;
    this.#open[fd] = object;
    this.#refs.set(object, (this.#refs.get(object) ?? 0) + 1);
    return fd;
  }
  /** The object behind a descriptor. @throws KernelError EBADF */
  get(fd: number): FdObject {
    const object = this.#open[fd];
    if (!object) throw new KernelError('EBADF', `file descriptor ${fd} is not open`);
    return object;
  }
  find(fd: number): FdObject | undefined {
    return this.#open[fd];
  }
  close(fd: number): void {
    const object = this.get(fd);
    this.#open[fd] = undefined;
    this.#lowest = Math.min(this.#lowest, fd);
    const left = (this.#refs.get(object) ?? 1) - 1;
    if (left > 0) this.#refs.set(object, left);
    else {
      this.#refs.delete(object);
      object.release?.();
    }
  }
  /** Whether any descriptor refers to it. */
  has(object: FdObject): boolean {
    return this.#refs.has(object);
  }
  *entries(): IterableIterator<[number, FdObject]> {
    for (const [fd, object] of this.#open.entries()) if (object) yield [fd, object];
  }
}
