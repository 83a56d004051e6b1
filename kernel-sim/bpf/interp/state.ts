/** What is under way: registers, frames of bpf-to-bpf calls, and the questions the loop asks of its surroundings. */
import type { InterpProgram } from './decode.ts';
import { takeRegisters } from './decode.ts';
import type { InterpMemory } from './memory.ts';
import { FIRST_CONSTANT, STRIDE } from './ops.ts';

/** A slot that means nothing was executed: the verifier lets none through. */
export class InvalidInsnError extends Error {
  override readonly name = 'InvalidInsnError';
  constructor(slot: number) {
    super(`the BPF instruction in slot ${slot} is not one that can be executed`);
  }
}

export interface InterpEnv {
  /** Calls a kernel function with R1..R5, its answer in R0. `frame`: bytes of BPF stack below R10 that are in use. */
  call(R: Int32Array, addressLo: number, addressHi: number, frame: number): void;
  /** The tail call's target, if the call may be made: R2 is the array, R3 the index. */
  tailCall(R: Int32Array, state: RunState): InterpProgram | undefined;
  /** R[d] = this CPU's copy of what R[s] points to. */
  percpu(R: Int32Array, d: number, s: number): void;
}

/** Words that a call saves: return slot, R6 to R9, R10. */
const FRAME_WORDS = 11;
const R6 = 12;
export const R10 = 20;

export class RunState {
  program: InterpProgram;
  registers: Int32Array;
  pc = 0;
  executed = 0;
  depth = 0;
  tailCalls = 0;
  #frames = new Int32Array(8 * FRAME_WORDS);
  readonly #programs: InterpProgram[] = [];

  constructor(program: InterpProgram) {
    this.program = program;
    this.registers = takeRegisters(program);
  }

  /** Enters a bpf-to-bpf call: the callee's frame lies below the caller's `frame` bytes. @throws GuestFault when the stack ends. */
  push(R: Int32Array, back: number, frame: number, memory: InterpMemory): void {
    const at = this.depth * FRAME_WORDS;
    if (at + FRAME_WORDS > this.#frames.length) {
      const larger = new Int32Array(this.#frames.length * 2);
      larger.set(this.#frames);
      this.#frames = larger;
    }
    const frames = this.#frames;
    frames[at] = back;
    for (let i = 0; i < 10; i++) frames[at + 1 + i] = i < 8 ? R[R6 + i]! : R[R10 + i - 8]!;
    this.#programs[this.depth++] = this.program;
    const lo = R[R10]!;
    R[R10] = lo - frame;
    R[R10 + 1] = R[R10 + 1]! - (lo >>> 0 < frame ? 1 : 0);
    // As a call instruction touches the stack, so that running off its end faults there.
    memory.store((R[R10]! - 8) | 0, R[R10 + 1]!, 8, back / STRIDE, 0);
  }

  /** Leaves a bpf-to-bpf call; where the program changed in between, {@link program} and {@link registers} are the caller's again. */
  pop(R: Int32Array): number {
    const at = --this.depth * FRAME_WORDS;
    const frames = this.#frames;
    for (let i = 0; i < 10; i++) R[i < 8 ? R6 + i : R10 + i - 8] = frames[at + 1 + i]!;
    const caller = this.#programs[this.depth]!;
    if (caller !== this.program) this.enter(caller);
    return frames[at]!;
  }

  /** Goes on in another program with the same registers. */
  enter(next: InterpProgram): void {
    const from = this.registers;
    const to = takeRegisters(next);
    for (let i = 0; i < FIRST_CONSTANT; i++) to[i] = from[i]!;
    this.program.registers.push(from);
    this.program = next;
    this.registers = to;
  }

  /** Gives the register file back. */
  release(): void {
    this.program.registers.push(this.registers);
  }
}
