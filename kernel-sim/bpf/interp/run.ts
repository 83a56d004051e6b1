/** Runs of programs: enters the loop, and does for it what it leaves to the host. */
import { type GuestMemory, MachineStop } from '../../../src/machine/index.ts';
import type { InterpProgram } from './decode.ts';
import { LEFT } from './emitter.ts';
import { type Loop, makeLoop } from './loop.ts';
import { opNumber } from './ops.ts';
import { SlowPath } from './slow.ts';
import { FRAMES, REGISTERS, SLOT, SLOT_BYTES, STATE, Zone } from './zone.ts';

/** Instructions between two looks at the budget. */
const SLICE = 1 << 18;
/** Words that a run inside another one saves: R0 to R11. */
const REGISTER_WORDS = 24;
/** Why a run was stopped that reached {@link Interpreter.limit}. */
export const BUDGET_SPENT = 'the instruction budget is spent';
const MOV_PERCPU = opNumber('movPercpu');

/** A slot that means nothing was executed: the verifier lets none through. */
export class InvalidInsnError extends Error {
  override readonly name = 'InvalidInsnError';
  constructor(slot: number) {
    super(`the BPF instruction in slot ${slot} is not one that can be executed`);
  }
}

/** The questions that a run asks of its surroundings. Registers are in {@link Interpreter.registers}. */
export interface InterpEnv {
  /** Calls a kernel function with R1..R5, its answer in R0. `frame`: bytes of BPF stack below R10 that are in use. */
  call(addressLo: number, addressHi: number, frame: number): void;
  /** The tail call's target: R2 is the array, R3 the index. `made`: tail calls of this run so far. */
  tailCall(made: number): InterpProgram | undefined;
  /** Register d becomes this CPU's copy of what register s points to; both are indices of low halves. */
  percpu(d: number, s: number): void;
}

export class Interpreter {
  readonly zone: Zone;
  /** R0 to R11 of the run under way, low and high halves */
  readonly registers: Int32Array;
  /** instructions of loaded programs executed so far; exact when no run is under way */
  executed = 0;
  /** value of {@link executed} at which a run is stopped */
  limit = Number.POSITIVE_INFINITY;
  readonly #loop: Loop;
  readonly #slow: SlowPath;
  /** {@link STATE} */
  readonly #state: Int32Array;
  /** registers of the runs around, innermost last */
  readonly #saved: Int32Array[] = [];
  #depth = 0;
  /** end of the frames in use */
  #fp: number;
  readonly #trace: ((pc: number) => void) | undefined;

  /** `trace`, if any, is called in front of each instruction, before a call perhaps twice. */
  constructor(guest: GuestMemory, trace?: (pc: number) => void) {
    this.zone = new Zone(guest);
    const { base, i32 } = this.zone;
    this.registers = i32.subarray((base + REGISTERS) >>> 2, ((base + REGISTERS) >>> 2) + REGISTER_WORDS);
    this.#state = i32.subarray(base >>> 2, (base >>> 2) + 4);
    this.#loop = makeLoop(guest.wasm, base, trace !== undefined);
    this.#slow = new SlowPath(guest, this.zone);
    this.#fp = base + FRAMES;
    this.#trace = trace;
  }

  /** Begins a run: the registers are its own, all 0, until {@link leave}. */
  enter(): void {
    const depth = this.#depth++;
    if (depth > 0) (this.#saved[depth] ??= new Int32Array(REGISTER_WORDS)).set(this.registers);
    this.registers.fill(0);
  }

  leave(): void {
    const depth = --this.#depth;
    if (depth > 0) this.registers.set(this.#saved[depth]!);
  }

  /**
   * Runs a program's function until it returns. `before`: instructions that count in front of it.
   * @throws GuestFault, InvalidInsnError, MachineStop, or what a called function throws
   */
  run(start: number, before: number, env: InterpEnv): void {
    const base = this.#fp;
    const I = this.zone.i32;
    let pc = start;
    let tailCalls = 0;
    this.executed -= before;
    try {
      for (;;) {
        this.#trace?.(pc);
        const why = this.#loop(pc, this.#fp, base, Math.max(0, Math.min(SLICE, this.limit - this.executed)));
        pc = this.#state[STATE.pc / 4]! >>> 0;
        this.#fp = this.#state[STATE.fp / 4]! >>> 0;
        this.executed += this.#state[STATE.count / 4]!;
        if (why === LEFT.done) return;
        if (why === LEFT.budget) {
          if (this.executed >= this.limit) throw new MachineStop(BUDGET_SPENT);
          continue;
        }
        const at = pc >>> 2;
        if (why === LEFT.helper) {
          env.call(I[at + SLOT.src / 4]!, I[at + SLOT.off / 4]!, I[at]! >>> 16);
          pc += SLOT_BYTES;
        } else if (why === LEFT.slow) {
          pc = this.#execute(pc, env);
        } else if (why === LEFT.tailCall) {
          const next = env.tailCall(tailCalls);
          if (next === undefined) pc += SLOT_BYTES;
          else {
            tailCalls++;
            this.executed += I[at + SLOT.count / 4]!;
            pc = next.code;
          }
        } else if (why === LEFT.frames) throw new MachineStop('the interpreter has no room for another call');
        else throw new InvalidInsnError(I[at + SLOT.off / 4]!);
      }
    } catch (error) {
      // the instruction at pc was begun
      this.executed += I[(pc >>> 2) + SLOT.count / 4]!;
      throw error;
    } finally {
      this.#fp = base;
    }
  }

  #execute(pc: number, env: InterpEnv): number {
    const word = this.zone.i32[pc >>> 2]!;
    if ((word & 0xffff) !== MOV_PERCPU) return this.#slow.execute(pc);
    env.percpu(word >>> 18, this.zone.i32[(pc + SLOT.src) >>> 2]! >> 2);
    return pc + SLOT_BYTES;
  }
}
