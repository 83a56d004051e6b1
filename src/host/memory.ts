/** Memory of a process of the host, by /proc/PID/mem: what ptrace(2) may see is readable and writable there. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { UserAccess } from '../../kernel-sim/core/user-access.ts';

export class HostMemory implements UserAccess {
  readonly #tgid: number;
  #fd: number | undefined;
  constructor(tgid: number) {
    this.#tgid = tgid;
  }
  read(at: number, bytes: number): Uint8Array | undefined {
    const into = Buffer.alloc(bytes);
    try {
      return bytes === 0 || readSync(this.#file(), into, 0, bytes, at) === bytes ? new Uint8Array(into) : undefined;
    } catch {
      return undefined;
    }
  }
  write(at: number, bytes: Uint8Array): boolean {
    try {
      return bytes.length === 0 || writeSync(this.#file(), bytes, 0, bytes.length, at) === bytes.length;
    } catch {
      return false;
    }
  }
  /** After execve the file shows the memory that was. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
  #file(): number {
    this.#fd ??= openSync(`/proc/${this.#tgid}/mem`, 'r+');
    return this.#fd;
  }
}
