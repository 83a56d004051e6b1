/** A caller's memory with a structure of the host's laid over it, for calls that pass the structure itself by value. */
import type { Addr } from '../../src/machine/addr.ts';
import type { UserAccess } from './user-access.ts';

/** Where the structure is: on the last pages of user space, which no program has mapped. */
export const ATTR_WINDOW: Addr = 0x7fff_ffff_c000;
const WINDOW_BYTES = 0x2000;

export class AttrWindow implements UserAccess {
  readonly #memory: UserAccess;
  readonly #bytes: Uint8Array;
  constructor(memory: UserAccess, bytes: Uint8Array) {
    this.#memory = memory;
    this.#bytes = bytes;
  }
  read(at: Addr, bytes: number): Uint8Array | undefined {
    const offset = at - ATTR_WINDOW;
    if (offset < 0 || offset >= WINDOW_BYTES) return this.#memory.read(at, bytes);
    return offset + bytes > this.#bytes.length ? undefined : this.#bytes.slice(offset, offset + bytes);
  }
  write(at: Addr, bytes: Uint8Array): boolean {
    const offset = at - ATTR_WINDOW;
    if (offset < 0 || offset >= WINDOW_BYTES) return this.#memory.write(at, bytes);
    // a field that the caller's structure is too short for is nobody's to read
    this.#bytes.set(bytes.subarray(0, Math.max(0, this.#bytes.length - offset)), Math.min(offset, this.#bytes.length));
    return true;
  }
}
