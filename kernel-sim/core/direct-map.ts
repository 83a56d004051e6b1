/**
 * The kernel's own objects, which all lie in the direct map: reads and writes without a look at the page
 * table. For structures that every system call touches; everything else goes through {@link GuestMemory}.
 */
import { type Addr, addrHi, addrLo, addrOf } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import { PAGE_OFFSET } from './layout.ts';

export class DirectMap {
  readonly u8: Uint8Array;
  readonly #i32: Int32Array;
  constructor(memory: GuestMemory) {
    this.u8 = memory.u8;
    this.#i32 = memory.i32;
  }
  /** Physical address. */
  phys(at: Addr): number {
    return at - PAGE_OFFSET;
  }
  /** A pointer at an address that is a multiple of 8. */
  addr(at: Addr): Addr {
    const word = (at - PAGE_OFFSET) >> 2;
    return addrOf(this.#i32[word] as number, this.#i32[word + 1] as number);
  }
  putAddr(at: Addr, value: Addr): void {
    const word = (at - PAGE_OFFSET) >> 2;
    this.#i32[word] = addrLo(value);
    this.#i32[word + 1] = addrHi(value);
  }
  /** s32 */
  get32(at: Addr): number {
    return this.#i32[(at - PAGE_OFFSET) >> 2] as number;
  }
  put32(at: Addr, value: number): void {
    this.#i32[(at - PAGE_OFFSET) >> 2] = value;
  }
}
