/**
 * Memory of the process that makes a system call, as the kernel reaches it (include/linux/uaccess.h). Nothing here
 * throws: what cannot be reached is EFAULT to the caller.
 */

import { KernelError } from '../../src/errors/index.ts';
import type { Addr } from '../../src/machine/addr.ts';
import { encodeUtf8 } from '../../src/platform/index.ts';

export interface UserAccess {
  /** copy_from_user(): `bytes` bytes at a user address; undefined where any of them cannot be read */
  read(at: Addr, bytes: number): Uint8Array | undefined;
  /** copy_to_user(): false where any of the bytes cannot be written; none are then */
  write(at: Addr, bytes: Uint8Array): boolean;
}

/** Where a host process's memory begins that has none: low enough for any pointer, and nobody's NULL. */
const ARENA_BASE: Addr = 0x1000_0000;
const ARENA_MAX = 1 << 30;

/**
 * Memory of a caller that lives in the host: bytes put into it have an address that an attribute can hold.
 *
 *     const key = arena.put(Uint8Array.of(1, 0, 0, 0));
 */
export class Arena implements UserAccess {
  #bytes = new Uint8Array(4096);
  #used = 0;

  /** Room for so many bytes, zeroed, at an address that is a multiple of 8. */
  alloc(bytes: number): Addr {
    const offset = this.#used;
    this.#used += (bytes + 7) & ~7;
    if (this.#used > ARENA_MAX)
      throw new KernelError('ENOMEM', `an arena has ${ARENA_MAX} bytes, ${this.#used} were asked for`);
    if (this.#used > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#used, 2 * this.#bytes.length));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return ARENA_BASE + offset;
  }
  /** The bytes' address, or the text's with a zero behind it. */
  put(what: Uint8Array | string): Addr {
    const bytes = typeof what === 'string' ? encodeUtf8(`${what}\0`) : what;
    const at = this.alloc(bytes.length);
    this.#bytes.set(bytes, at - ARENA_BASE);
    return at;
  }
  /** Forgets everything that was put into it. */
  reset(): void {
    this.#bytes.fill(0, 0, this.#used);
    this.#used = 0;
  }

  read(at: Addr, bytes: number): Uint8Array | undefined {
    const offset = at - ARENA_BASE;
    return offset < 0 || offset + bytes > this.#used ? undefined : this.#bytes.slice(offset, offset + bytes);
  }
  write(at: Addr, bytes: Uint8Array): boolean {
    const offset = at - ARENA_BASE;
    if (offset < 0 || offset + bytes.length > this.#used) return false;
    this.#bytes.set(bytes, offset);
    return true;
  }
}

/** Bytes up to a terminating zero, which is not included; undefined for EFAULT, `max` bytes where there is no zero among them. */
export function readUserString(memory: UserAccess, at: Addr, max: number): Uint8Array | undefined {
  const parts: number[] = [];
  for (let done = 0; done < max; ) {
    // never beyond the end of a page, which may be the last that is mapped
    const wanted = Math.min(max - done, 4096 - ((at + done) % 4096));
    const bytes = memory.read(at + done, wanted) ?? byteByByte(memory, at + done, wanted);
    if (bytes.length === 0) return undefined;
    const end = bytes.indexOf(0);
    parts.push(...(end < 0 ? bytes : bytes.subarray(0, end)));
    if (end >= 0) return Uint8Array.from(parts);
    if (bytes.length < wanted) return undefined;
    done += bytes.length;
  }
  return Uint8Array.from(parts);
}

function byteByByte(memory: UserAccess, at: Addr, max: number): Uint8Array {
  const out: number[] = [];
  for (let n = 0; n < max; n++) {
    const byte = memory.read(at + n, 1);
    if (byte === undefined) break;
    out.push(byte[0] as number);
    if (byte[0] === 0) break;
  }
  return Uint8Array.from(out);
}
