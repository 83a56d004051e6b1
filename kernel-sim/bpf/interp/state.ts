/** What is under way: registers, frames of bpf-to-bpf calls, and the questions the loop asks of its surroundings. */
import type { InterpProgram } from './decode.ts';
import { takeRegisters } from './decode.ts';
import type { InterpMemory } from './memory.ts';
import { FIRST_CONSTANT } from './ops.ts';

/** A slot that means nothing was executed: the verifier lets none through. */
export class InvalidInsnError extends Error {
  override readonly name = 'InvalidInsnError';
  constructor(slot: number) {
    super(`the BPF instruction in slot ${slot} is not one that can be executed`);
  }
}

export interface InterpEnv {
  /**
   * Calls a kernel function with R1..R5, its answer in R0; `rb` is where the registers begin.
   * `frame`: bytes of BPF stack below R10 that are in use.
   */
  call(rb: number, addressLo: number, addressHi: number, frame: number): void;
  /** The tail call's target, if the call may be made: R2 is the array, R3 the index. */
  tailCall(rb: number, state: RunState): InterpProgram | undefined;
  /** Register d becomes this CPU's copy of what register s points to; both are indices of low halves. */
  percpu(d: number, s: number): void;
}

/** Words that a call saves: return slot, R6 to R9, R10. */
const FRAME_WORDS = 11;
const R6 = 12;
export const R10 = 20;

export class RunState {
  program: InterpProgram;
  /** where the registers begin among the words */
  rb: number;
  pc: number;
  executed = 0;
  depth = 0;
  tailCalls = 0;
  /** no run is under way in it */
  isReleased = false;
  readonly #words: Int32Array;
  #frames = new Int32Array(8 * FRAME_WORDS);
  readonly #programs: InterpProgram[] = [];

  constructor(program: InterpProgram) {
    this.program = program;
    this.#words = program.words.words;
    this.rb = takeRegisters(program);
    this.pc = program.code;
  }

  /** Begins another run, as a new state would. */
  restart(program: InterpProgram): void {
    this.program = program;
    this.rb = takeRegisters(program);
    this.pc = program.code;
    this.executed = 0;
    this.depth = 0;
    this.tailCalls = 0;
    this.isReleased = false;
  }

  /** Enters a bpf-to-bpf call: the callee's frame lies below the caller's `frame` bytes. @throws GuestFault when the stack ends. */
  push(back: number, frame: number, memory: InterpMemory): void {
    const R = this.#words;
    const { rb } = this;
    const at = this.depth * FRAME_WORDS;
    if (at + FRAME_WORDS > this.#frames.length) {
      const larger = new Int32Array(this.#frames.length * 2);
      larger.set(this.#frames);
      this.#frames = larger;
    }
    const frames = this.#frames;
    frames[at] = back;
    const r6 = rb + R6;
    frames[at + 1] = R[r6]!;
    frames[at + 2] = R[r6 + 1]!;
    frames[at + 3] = R[r6 + 2]!;
    frames[at + 4] = R[r6 + 3]!;
    frames[at + 5] = R[r6 + 4]!;
    frames[at + 6] = R[r6 + 5]!;
    frames[at + 7] = R[r6 + 6]!;
    frames[at + 8] = R[r6 + 7]!;
    frames[at + 9] = R[rb + R10]!;
    frames[at + 10] = R[rb + R10 + 1]!;
    this.#programs[this.depth++] = this.program;
    const lo = R[rb + R10]!;
    const newLo = (lo - frame) | 0;
    const newHi = (R[rb + R10 + 1]! - (lo >>> 0 < frame ? 1 : 0)) | 0;
    R[rb + R10] = newLo;
    R[rb + R10 + 1] = newHi;
    // As a call instruction touches the stack, so that running off its end faults there.
    memory.store((newLo - 8) | 0, newHi, 8, back, 0);
  }

  /** Leaves a bpf-to-bpf call: where to go on. Where the program changed in between, it is the caller's again. */
  pop(): number {
    const at = --this.depth * FRAME_WORDS;
    const frames = this.#frames;
    const R = this.#words;
    const caller = this.#programs[this.depth]!;
    if (caller !== this.program) this.enter(caller);
    const { rb } = this;
    const r6 = rb + R6;
    R[r6] = frames[at + 1]!;
    R[r6 + 1] = frames[at + 2]!;
    R[r6 + 2] = frames[at + 3]!;
    R[r6 + 3] = frames[at + 4]!;
    R[r6 + 4] = frames[at + 5]!;
    R[r6 + 5] = frames[at + 6]!;
    R[r6 + 6] = frames[at + 7]!;
    R[r6 + 7] = frames[at + 8]!;
    R[rb + R10] = frames[at + 9]!;
    R[rb + R10 + 1] = frames[at + 10]!;
    return frames[at]!;
  }

  /** Goes on in another program with the same registers. */
  enter(next: InterpProgram): void {
    const to = takeRegisters(next);
    this.#words.copyWithin(to, this.rb, this.rb + FIRST_CONSTANT);
    this.program.registers.push(this.rb);
    this.program = next;
    this.rb = to;
  }

  /** Gives the register file back. */
  release(): void {
    this.program.registers.push(this.rb);
    this.isReleased = true;
  }
}
