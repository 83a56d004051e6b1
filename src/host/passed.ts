/**
 * Descriptors that came to a process by a way on which their number was not seen: over a socket, or duplicated to a number
 * below the model's. They are known by the host's file: a memfd by its inode, an eventfd by its id (proc_pid_fdinfo(5)).
 */
import { readFileSync, readlinkSync, statSync } from 'node:fs';
import type { FdObject, FdTable } from '../../kernel-sim/core/fds.ts';

function identityOf(pid: number, fd: number): string | undefined {
  const path = `/proc/${pid}/fd/${fd}`;
  try {
    const target = readlinkSync(path);
    if (target.startsWith('/memfd:')) return `memfd ${statSync(path).ino}`;
    if (target !== 'anon_inode:[eventfd]') return undefined;
    const id = /^eventfd-id:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'latin1'))?.[1];
    return id === undefined ? undefined : `eventfd ${id}`;
  } catch {
    return undefined; // it has ended, or closed it
  }
}

export class Passed {
  readonly #objects = new Map<string, FdObject>();
  /** holds what may be on its way, or at a number that nobody sees closed, until the world ends */
  readonly #held: FdTable;
  constructor(held: FdTable) {
    this.#held = held;
  }
  /** The object at `fd` of a process may come to another number, or process. */
  note(pid: number, fd: number, object: FdObject): void {
    const identity = identityOf(pid, fd);
    if (identity === undefined || this.#objects.has(identity)) return;
    this.#objects.set(identity, object);
    this.#held.install(object);
  }
  find(pid: number, fd: number): FdObject | undefined {
    if (this.#objects.size === 0 || fd < 0) return undefined;
    const identity = identityOf(pid, fd);
    return identity === undefined ? undefined : this.#objects.get(identity);
  }
  end(): void {
    this.#objects.clear();
    this.#held.closeAll();
  }
}
