/** Guest memory as expressions read and write it: what is not there is undefined, nothing throws. */
import type { Addr } from '../../machine/addr.ts';
import { GuestFault, type GuestMemory } from '../../machine/index.ts';

export class ValueMemory {
  readonly #memory: GuestMemory;
  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }
  read(at: Addr, bytes: number): Uint8Array | undefined {
    return guarded(() => this.#memory.readBytes(at, bytes));
  }
  /** Little-endian, at most 8 bytes. */
  integer(at: Addr, bytes: number, signed: boolean): bigint | undefined {
    const all = this.read(at, bytes);
    if (all === undefined) return undefined;
    let value = 0n;
    for (let n = bytes - 1; n >= 0; n--) value = (value << 8n) | BigInt(all[n] as number);
    return signed ? BigInt.asIntN(8 * bytes, value) : value;
  }
  /** Bytes up to a NUL, `max` at most; undefined where it is no text. */
  string(at: Addr, max: number): Uint8Array | undefined {
    const bytes = guarded(() => this.#memory.readCString(at, max));
    if (bytes === undefined || bytes.length === 0) return bytes;
    return bytes.every((b) => b >= 32 || (b >= 9 && b <= 13)) ? bytes : undefined;
  }
  /** Whatever the protection says. False where nothing is mapped. */
  write(at: Addr, bytes: Uint8Array): boolean {
    return guarded(() => this.#memory.pokeBytes(at, bytes)) !== undefined || this.read(at, bytes.length) !== undefined;
  }
}

function guarded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof GuestFault) return undefined;
    throw error;
  }
}
