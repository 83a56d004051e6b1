/** `struct bpf_stack_state`: eight bytes of stack; byte n of the slot counts down from its highest address. */
import { LIVE_NONE, Reg } from './reg.ts';

export const STACK_INVALID = 0;
export const STACK_SPILL = 1;
export const STACK_MISC = 2;
export const STACK_ZERO = 3;
export const STACK_DYNPTR = 4;
export const STACK_ITER = 5;
/** index = slot type */
export const SLOT_CHARS = '?rm0di';

export const SLOT_SIZE = 8;
export const MAX_BPF_STACK = 512;

/** slot that holds the byte at an offset from the frame pointer */
export const spiOf = (off: number): number => Math.floor((-off - 1) / SLOT_SIZE);
/** index of a byte in its slot's types */
export const byteOf = (off: number): number => (-off - 1) % SLOT_SIZE;

/** a type in all eight places */
const ALL = 0x1111_1111;
export const ALL_INVALID = STACK_INVALID * ALL;
export const ALL_SPILL = STACK_SPILL * ALL;
export const ALL_MISC = STACK_MISC * ALL;
export const ALL_ZERO = STACK_ZERO * ALL;

export class StackSlot {
  /** what each byte holds, four bits each, byte 0 lowest: a number is copied and compared at once */
  types: number;
  /** the spilled register; its liveness is the slot's */
  readonly reg: Reg;

  constructor(types = 0, reg: Reg = new Reg()) {
    this.types = types;
    this.reg = reg;
  }

  clone(): StackSlot {
    return new StackSlot(this.types, new Reg(this.reg));
  }

  typeAt(n: number): number {
    return (this.types >>> (4 * n)) & 15;
  }
  setType(n: number, type: number): void {
    this.types = (this.types & ~(15 << (4 * n))) | (type << (4 * n));
  }
  /** Whether all bytes are of a type. */
  isAll(type: number): boolean {
    return this.types === type * ALL;
  }
  /** Whether any byte is of a type. */
  has(type: number): boolean {
    for (let n = 0; n < SLOT_SIZE; n++) if (this.typeAt(n) === type) return true;
    return false;
  }
  /** type of the byte at the slot's lowest address, which decides what the slot is */
  get last(): number {
    return this.types >>> (4 * (SLOT_SIZE - 1));
  }
  get isSpilled(): boolean {
    return this.last === STACK_SPILL;
  }
  /** more than bytes: a register, a dynptr or an iterator */
  get isSpecial(): boolean {
    return this.isSpilled || this.last === STACK_DYNPTR || this.last === STACK_ITER;
  }
  /** What was a register, dynptr or iterator is bytes from now on. */
  scrub(): void {
    for (let n = 0; n < SLOT_SIZE; n++) if (this.typeAt(n) !== STACK_INVALID) this.setType(n, STACK_MISC);
  }
  /** a whole register was spilled */
  get holdsWholeReg(): boolean {
    return this.typeAt(0) === STACK_SPILL;
  }
  fill(type: number): void {
    this.types = type * ALL;
  }
  reset(): void {
    this.reg.clear();
    this.reg.parent = undefined;
    this.reg.live = LIVE_NONE;
    this.reg.subregDef = 0;
    this.types = 0;
  }
}
