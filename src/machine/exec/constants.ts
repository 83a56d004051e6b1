/**
 * Constant pool in the machine-private part of guest memory: an immediate is an operand like a register,
 * at a physical address. Two scratch registers lie before it.
 */
import type { GuestMemory } from '../memory.ts';

const SCRATCH_PHYS = 0x3fff0;
const POOL_PHYS = 0x40000;
const POOL_END = 0x100000;

/** Physical address of the scratch registers that broken-up instructions use. */
export const SCRATCH = SCRATCH_PHYS;

export class ConstantPool {
  private readonly i32: Int32Array;
  private readonly known = new Map<number, Map<number, number>>();
  private next = POOL_PHYS;

  constructor(memory: GuestMemory) {
    this.i32 = memory.i32;
  }

  /** Whether `count` more constants fit. */
  hasRoom(count: number): boolean {
    return this.next + 8 * count <= POOL_END;
  }

  /** Physical address of a constant. */
  at(lo: number, hi: number): number {
    let byLow = this.known.get(hi);
    if (byLow === undefined) this.known.set(hi, (byLow = new Map()));
    let at = byLow.get(lo);
    if (at === undefined) {
      at = this.next;
      this.next += 8;
      this.i32[at >> 2] = lo;
      this.i32[(at >> 2) + 1] = hi;
      byLow.set(lo, at);
    }
    return at;
  }

  clear(): void {
    this.known.clear();
    this.next = POOL_PHYS;
  }
}
