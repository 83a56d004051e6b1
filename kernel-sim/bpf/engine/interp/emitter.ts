/**
 * What the operations of the loop are written with. Of a slot (./zone.ts) operands are fetched by name; registers lie
 * in memory; an operation ends with {@link Emitter.next}, {@link Emitter.jump} or {@link Emitter.leave}.
 */

import { TLB_PHYS, TLB_TABLE_BYTES } from '../../../../src/machine/index.ts';
import { FunctionBody, I32, I64, type OpName } from '../../../../src/machine/wasm/encoder.ts';
import { LoopEmitter } from '../../../../src/machine/wasm/loop-emitter.ts';
import type { Source } from './ops.ts';
import { REGISTERS, SLOT, SLOT_BYTES, STATE } from './zone.ts';

/** Why the loop was left; pc is the slot that it did not execute, or with `budget` the next one. */
export const LEFT = {
  /** the outermost function returned */
  done: 0,
  /** as many instructions were counted as wanted */
  budget: 1,
  /** an instruction that is executed by the host: ./slow.ts */
  slow: 2,
  helper: 3,
  tailCall: 4,
  /** no room for another frame */
  frames: 5,
  invalid: 6,
} as const;
export type Left = (typeof LEFT)[keyof typeof LEFT];

const LEFT_COUNT = Object.keys(LEFT).length;

/** Depths of open blocks: around all, a reason to leave (plus its number), the loop. */
const DEPTH = { out: 1, left: 2, loop: 2 + LEFT_COUNT } as const;

export class Emitter extends LoopEmitter {
  /** end of the frames in use, and where it is in the outermost function */
  readonly fp = 1;
  readonly base = 2;
  /** instructions counted at which a taken jump leaves */
  readonly limit = 3;
  /** counts of the slots behind, see {@link SLOT} */
  readonly count = this.body.local(I32);
  readonly #status = this.body.local(I32);
  readonly #dst = this.body.local(I32);
  /** for an operation's own use */
  readonly a64 = this.body.local(I64);
  readonly b64 = this.body.local(I64);
  readonly a32 = this.body.local(I32);
  readonly b32 = this.body.local(I32);
  /** physical address of the zone */
  readonly zone: number;
  readonly #single: boolean;

  /** @param single whether the loop leaves after each instruction */
  constructor(zone: number, single: boolean) {
    super(new FunctionBody([I32, I32, I32, I32], [I32]));
    this.zone = zone;
    this.#single = single;
  }

  // --- registers ---

  /** Loads or stores register `n`. */
  reg(name: OpName, n: number): this {
    return this.mem(name, this.zone + REGISTERS + 8 * n);
  }

  /** Pushes the destination's offset, for {@link toDst}. */
  dst(): this {
    this.field('i32.load16_u', SLOT.dst);
    this.body.tee(this.#dst);
    return this;
  }

  /** As {@link dst} without pushing it: for operations that store nothing there. */
  loadDst(): this {
    return this.field('i32.load16_u', SLOT.dst).set(this.#dst);
  }

  /** Pushes the destination register's value, behind {@link dst}. */
  dstValue(bits: 32 | 64): this {
    return this.get(this.#dst).reg(bits === 64 ? 'i64.load' : 'i32.load', 0);
  }

  /** Pushes the source operand's value. */
  source(bits: 32 | 64, source: Source): this {
    if (source === 'k') return this.field(bits === 64 ? 'i64.load32_s' : 'i32.load', SLOT.src);
    return this.field('i32.load', SLOT.src).reg(bits === 64 ? 'i64.load' : 'i32.load', 0);
  }

  /** Stores the value on the stack in the register of {@link dst}: zero-extended where it has 32 bits. */
  toDst(bits: 32 | 64): this {
    if (bits === 32) this.op('i64.extend_i32_u');
    return this.reg('i64.store', 0);
  }

  // --- memory ---

  /**
   * Pushes the physical address of `size` bytes at the address on the stack, by the machine's software TLB (kernel
   * mode tables, as the interpreter is kernel code). Leaves to the slow path where the TLB has not got it.
   */
  physical(size: number, write: boolean): this {
    return this.lookUp(size, TLB_PHYS + (write ? TLB_TABLE_BYTES : 0), () => this.leaveIf(LEFT.slow));
  }

  // --- control ---

  /** Goes on behind this slot. */
  next(slots = 1): void {
    this.get(this.pc)
      .i32(slots * SLOT_BYTES)
      .op('i32.add')
      .set(this.pc);
    this.go();
  }

  /** Goes on at pc. */
  go(): void {
    this.body.br(this.body.depth - (this.#single ? DEPTH.left + LEFT.budget : DEPTH.loop));
  }

  /** Jumps to the slot's target. */
  jump(): void {
    this.get(this.count).field('i32.load', SLOT.count).op('i32.add');
    this.body.tee(this.count);
    this.get(this.limit).op('i32.ge_s');
    this.field('i32.load', SLOT.off).set(this.pc);
    this.leaveIf(LEFT.budget);
    this.go();
  }

  leave(why: Left): void {
    this.body.br(this.body.depth - DEPTH.left - why);
  }

  leaveIf(why: Left): void {
    this.body.brIf(this.body.depth - DEPTH.left - why);
  }

  // --- the loop around ---

  /**
   * The whole function: `handlers[n]` emits operation n. It takes pc, fp, base and limit, returns why it left
   * ({@link LEFT}) and leaves its state in the zone.
   */
  loop(handlers: readonly ((e: this) => void)[]): FunctionBody {
    const { body } = this;
    body.open('block');
    for (let n = 0; n < LEFT_COUNT; n++) body.open('block');
    body.open('loop');
    this.dispatch('i32.load16_u', SLOT.op, handlers);
    body.end();
    this.op('unreachable');
    for (let why = LEFT_COUNT - 1; why >= 0; why--) {
      body.end();
      this.i32(why).set(this.#status);
      body.br(body.depth - DEPTH.out);
    }
    body.end();
    for (const [at, local] of [
      [STATE.pc, this.pc],
      [STATE.fp, this.fp],
      [STATE.count, this.count],
    ] as const)
      this.i32(0)
        .get(local)
        .mem('i32.store', this.zone + at);
    return this.get(this.#status).body;
  }
}
