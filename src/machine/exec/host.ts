/**
 * What the stepping loop leaves to the host: handlers of the instructions it has no row for, blocks that are not decoded
 * yet, questions about transfers, and memory accesses that the software TLB has no page for, that span two pages or that fault.
 */
import { FLAG } from '../../x86/index.ts';
import type { Addr } from '../addr.ts';
import type { Blocks } from './blocks.ts';
import { AGAIN, type Context, type Step } from './context.ts';
import { type Loop, makeLoop } from './loop/loop.ts';
import { type Access, accessOf, numberOf, OPERATIONS } from './loop/operations.ts';
import { MAX_BLOCK, SLOT, SLOT_BYTES, SLOT_WORDS, STATE } from './loop/slot.ts';

/** Why {@link Host.run} came back. */
export const LEFT = {
  /** fewer than MAX_BLOCK instructions left; `at` is the next block */
  low: 0,
  /** a handler asked for it: its code is in `leave`, the next rip in x.next */
  handler: 1,
  /** the trap flag is set; next rip in x.next */
  serialize: 2,
  /** the next instruction cannot be fetched: blocks.fault */
  fetch: 3,
  /** onTransfer said so; `at` is the target's block */
  hot: 4,
} as const;

const GENERIC = numberOf('generic');
const TRANSFER = numberOf('transfer');
const RESOLVE = numberOf('resolve');
const SEEK = numberOf('seek');
const ASK = numberOf('ask');
const CALL_THROUGH = numberOf('callThrough');
const JMP_THROUGH = numberOf('jmpThrough');
/** Those of the loop that end a block. */
const TRANSFERS: ReadonlySet<number> = new Set(
  ['call', 'ret', 'callThrough', 'jmpThrough', 'popfq'].map((name) => numberOf(name)),
);
/** more transfers than there will be */
const NEVER = 0x7fff_ffff;
const ACCESS_OF: readonly (Access | undefined)[] = OPERATIONS.map(({ name }) => accessOf(name));
const WORD = { dst: SLOT.dst >> 2, src: SLOT.src >> 2, disp: SLOT.disp >> 2, table: SLOT.table >> 2 } as const;

export class Host {
  /** the slot that was executed last, or is next */
  at = 0;
  leave = 0;
  private why: number = LEFT.low;
  private readonly x: Context;
  private readonly blocks: Blocks;
  /** {@link STATE}: marked, left */
  private readonly state: Int32Array;
  private readonly loop: Loop;

  constructor(x: Context, blocks: Blocks) {
    this.x = x;
    this.blocks = blocks;
    const { wasm } = x.memory;
    this.state = new Int32Array(wasm.buffer, STATE.marked, 2);
    this.loop = makeLoop(wasm, (slot) => this.execute(slot >>> 0));
  }

  /** Instructions that are left of the budget. */
  get left(): number {
    return -this.state[1]!;
  }

  /** Weights of the instructions executed. */
  get marked(): number {
    return this.state[0]!;
  }

  /**
   * Runs from a block's first slot with `budget` instructions. An exception of the host's accessors passes through; `at` is
   * then the operation that made it and `left` what was left at its block's entry.
   */
  run(start: number, budget: number): number {
    this.state[0] = 0;
    this.state[1] = -budget;
    this.why = LEFT.low;
    const at = this.loop(start) >>> 0;
    if (at !== 0) this.at = at;
    return this.why;
  }

  /** Executes a slot for the loop: gives the next, or 0 to leave. */
  private execute(slot: number): number {
    const { blocks } = this;
    this.at = slot;
    const n = blocks.number(slot);
    switch (blocks.words[n * SLOT_WORDS]) {
      case GENERIC: {
        const s = blocks.steps[n] as Step;
        const { x } = this;
        // the block has its own share of the budget already
        x.room = this.left - MAX_BLOCK + 1;
        const leave = s.run(x, s);
        return x.turns === 0 ? slot + SLOT_BYTES : this.repeated(slot, n, leave === AGAIN);
      }
      case TRANSFER:
        return this.transfer(n);
      case RESOLVE:
      case SEEK:
        return this.found(blocks.resolve(slot));
      case ASK: {
        const at = blocks.asked(slot);
        return at === 0 ? this.stop(LEFT.hot) : at;
      }
      default:
        return this.missed(slot, n);
    }
  }

  private stop(why: number): 0 {
    this.why = why;
    return 0;
  }

  private found(at: number): number {
    return at === 0 ? this.stop(LEFT.fetch) : at;
  }

  /** A string instruction took several turns, and goes `on` with a block of its own, or is over. */
  private repeated(slot: number, n: number, on: boolean): number {
    const { x, blocks, state } = this;
    state[1] = state[1]! + x.turns;
    x.turns = 0;
    if (!on) return slot + SLOT_BYTES;
    state[0] = state[0]! + blocks.markedAt(slot);
    state[1] = state[1]! + blocks.ordinals[n]!;
    const at = blocks.lookup(x.next);
    if (at === 0) return this.stop(LEFT.fetch);
    this.at = at;
    return state[1]! > -MAX_BLOCK ? this.stop(LEFT.low) : at;
  }

  private transfer(n: number): number {
    const { x, blocks, state } = this;
    const s = blocks.steps[n] as Step;
    x.next = s.next;
    const leave = s.run(x, s);
    this.count(n);
    if (leave !== 0) {
      this.leave = leave;
      return this.stop(LEFT.handler);
    }
    if (x.serialize) {
      x.serialize = false;
      if (x.cpu.rflags & FLAG.TF) return this.stop(LEFT.serialize);
      blocks.enter(x.cpu.cpl === 3);
    }
    const to = x.next;
    const at = blocks.lookup(to);
    if (at === 0) return this.stop(LEFT.fetch);
    this.at = at;
    if (state[1]! > -MAX_BLOCK) return this.stop(LEFT.low);
    return this.elsewhere(n, to) ? this.stop(LEFT.hot) : at;
  }

  /** Whether the target of slot n is to be executed elsewhere. The loop asks about indirect ones now and then. */
  private elsewhere(n: number, to: Addr): boolean {
    const { blocks } = this;
    const { words } = blocks;
    const at = n * SLOT_WORDS;
    if (words[at] !== CALL_THROUGH && words[at] !== JMP_THROUGH) return blocks.ask(to, 1);
    const times = words[at + WORD.dst]! <= 1 ? blocks.every : 1;
    const answer = blocks.ask(to, times);
    words[at + WORD.dst] = answer ? 1 : blocks.onTransfer === undefined ? NEVER : blocks.every;
    return answer;
  }

  /** The block is left: its instructions are executed. */
  private count(n: number): void {
    const { state } = this;
    const { words } = this.blocks;
    const at = n * SLOT_WORDS;
    state[0] = state[0]! + words[at + (SLOT.weight >> 2)]!;
    state[1] = state[1]! + words[at + (SLOT.count >> 2)]!;
  }

  /** An operation of the loop whose access the TLB does not allow, or that it cannot do in this case. */
  private missed(slot: number, n: number): number {
    const { x, blocks } = this;
    const { words } = blocks;
    const at = n * SLOT_WORDS;
    const op = words[at]!;
    const access = ACCESS_OF[op];
    if (access === undefined) {
      if (TRANSFERS.has(op)) return this.transfer(n);
      // all of the instruction: what operations before this one did is done again
      const s = blocks.steps[n] as Step;
      s.run(x, s);
      return slot + SLOT_BYTES;
    }
    const { i32 } = x.memory;
    const base = words[at + WORD.src]! >> 2;
    const disp = words[at + WORD.disp]!;
    const lo = (i32[base]! + disp) | 0;
    const hi = (i32[base + 1]! + (disp >> 31) + (lo >>> 0 < i32[base]! >>> 0 ? 1 : 0)) | 0;
    const d = words[at + WORD.dst]!;
    if (access.write) this.store(lo, hi, access.size, d);
    else {
      if (words[at + WORD.table] === x.writeTable) x.probeAt(lo, hi, access.size);
      this.load(lo, hi, access, d >> 2);
    }
    return slot + SLOT_BYTES;
  }

  private load(lo: number, hi: number, { size, signed }: Access, d: number): void {
    const { x } = this;
    const { i32 } = x.memory;
    let value = x.load(lo, hi, size);
    let upper = x.hi;
    if (signed !== 0) {
      const shift = 32 - 8 * size;
      value = (value << shift) >> shift;
      upper = signed === 64 ? value >> 31 : 0;
    }
    i32[d] = value;
    i32[d + 1] = upper;
  }

  /** Stores from a register, its upper byte or a constant. */
  private store(lo: number, hi: number, size: number, from: number): void {
    const { view } = this.x.memory;
    if (size === 1) this.x.store(lo, hi, 1, view.getUint8(from), 0);
    else this.x.store(lo, hi, size, view.getInt32(from, true), size === 8 ? view.getInt32(from + 4, true) : 0);
  }
}
