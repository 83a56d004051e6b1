/** Files that are read as they are written, trace_pipe above all: a named pipe each, in which a reader waits as on Linux. */

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { FdObject } from '../../kernel-sim/core/fds.ts';
import { errnoName } from '../errors/errno.ts';
import { HostError } from './errors.ts';
import type { PrivateDir } from './private-dir.ts';
import type { Supervisor } from './supervisor.ts';

/** what a pipe takes at once without a part of it being cut off */
const CHUNK = 4096;

interface Stream {
  readonly path: string;
  readonly object: FdObject;
  fd: number | undefined;
  /** taken from the object, not yet in the pipe */
  rest: Uint8Array;
}

export class Streams {
  readonly #supervisor: Supervisor;
  readonly #dir: PrivateDir;
  readonly #open: Stream[] = [];
  constructor(supervisor: Supervisor, dir: PrivateDir) {
    this.#supervisor = supervisor;
    this.#dir = dir;
  }
  async open(name: string, object: FdObject): Promise<string> {
    const path = this.#dir.fresh();
    const made = await this.#supervisor.fifo(path);
    if (made < 0)
      throw new HostError(
        'ERR_HOST',
        `${name}: a pipe could not be made in ${path} (${errnoName(made)}): free a file descriptor, or room in the folder`,
      );
    // both ends, so that a reader does not wait for a writer to open it
    const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    this.#open.push({ path, object, fd, rest: new Uint8Array() });
    this.pump();
    return path;
  }
  get any(): boolean {
    return this.#open.length > 0;
  }
  /** Moves on what there is. False where a pipe is full: its reader is behind. */
  pump(): boolean {
    let isThrough = true;
    for (const stream of this.#open) if (!this.#move(stream)) isThrough = false;
    return isThrough;
  }
  /** Whether readers have taken everything. */
  async isEmpty(): Promise<boolean> {
    for (const { path } of this.#open) if ((await this.#supervisor.pending(path)) > 0) return false;
    return true;
  }
  #move(stream: Stream): boolean {
    for (;;) {
      if (stream.rest.length === 0) {
        const more = stream.object.read?.(CHUNK);
        if (more === undefined || typeof more === 'number' || more.length === 0) return true;
        stream.rest = more;
      }
      try {
        const n = writeSync(stream.fd as number, stream.rest, 0, Math.min(stream.rest.length, CHUNK), null);
        stream.rest = stream.rest.subarray(n);
      } catch {
        return false; // EAGAIN
      }
    }
  }
  close(): void {
    for (const stream of this.#open) {
      if (stream.fd !== undefined) closeSync(stream.fd);
      stream.object.release?.();
    }
    this.#open.length = 0;
  }
}
