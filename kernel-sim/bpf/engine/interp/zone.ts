/**
 * The interpreter's own memory: it lies behind the guest's RAM and the machine's own in the same WebAssembly memory, where the loop can reach
 * it and no guest address does. Offsets from its start:
 *
 *     0         state that the loop leaves: pc, frame pointer, instructions counted
 *     64        registers R0 to R11, eight bytes each
 *     4 KiB     frames of bpf-to-bpf calls
 *     8 MiB     predecoded programs
 *
 * The host commits its pages when they are first written.
 */
import { type GuestMemory, OutOfMemory, type Touched } from '../../../../src/machine/index.ts';
import { capture, reinstate } from '../../../core/state.ts';

export const ZONE_BYTES = 64 << 20;
/** Where the loop left: i32 each. */
export const STATE = { pc: 0, fp: 4, count: 8 } as const;
export const REGISTERS = 64;
export const FRAMES = 4096;
export const CODE = 8 << 20;

/** What frames take at most: eight a run, and the kernel's stack holds no more runs within each other. */
const FRAMES_BYTES = 64 << 10;

/** One frame: i32 slot to go back to, i32 its {@link SLOT.count}, R6 to R9, R10. */
export const FRAME_BYTES = 48;

/** One predecoded slot. */
export const SLOT_BYTES = 16;
/**
 * Fields of a slot. `op`, `dst` (offset of the register): u16. `src` (offset of the register, or the immediate),
 * `off` (or the target's address), `count`: i32. Instructions count as executed when their count is added up:
 * a jump has the counted ones from its target to itself, all others those from the program's start to themselves.
 */
export const SLOT = { op: 0, dst: 2, src: 4, off: 8, count: 12 } as const;

/** Room for programs. */
export class Zone {
  /** physical address of the zone */
  readonly base: number;
  readonly i32: Int32Array;
  readonly #free = new Map<number, number[]>();
  readonly #touched: Touched;
  #next = CODE;

  constructor(memory: GuestMemory) {
    this.base = memory.hostPhys;
    this.i32 = memory.i32;
    this.#touched = memory.touched;
    this.#touched.add(this.base, FRAMES + FRAMES_BYTES);
    if (memory.u8.length < this.base + ZONE_BYTES) throw new OutOfMemory('the memory has no room for the interpreter');
  }

  /** Physical address of `count` slots, of any content. @throws OutOfMemory */
  alloc(count: number): number {
    const again = this.#free.get(count)?.pop();
    if (again !== undefined) return again;
    const at = this.#next;
    this.#next += count * SLOT_BYTES;
    if (this.#next > ZONE_BYTES) {
      this.#next = at;
      throw new OutOfMemory('no room left for more programs in the interpreter');
    }
    this.#touched.add(this.base + at, count * SLOT_BYTES);
    return this.base + at;
  }

  save() {
    return capture({ free: this.#free, next: this.#next });
  }
  restore(state: ReturnType<Zone['save']>): void {
    this.#next = reinstate(state).next;
  }

  free(at: number, count: number): void {
    const list = this.#free.get(count);
    if (list) list.push(at);
    else this.#free.set(count, [at]);
  }
}
