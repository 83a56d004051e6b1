/** Runs of programs: enters the loop, and does for it what it leaves to the host. */
import { type GuestMemory, MachineStop } from '../../../../src/machine/index.ts';
import type { InterpProgram } from './decode.ts';
import { LEFT, type Left } from './emitter.ts';
import { type Loop, makeLoop } from './loop.ts';
import { opNumber } from './ops.ts';
import { SlowPath } from './slow.ts';
import { FRAMES, REGISTERS, SLOT, SLOT_BYTES, STATE, Zone } from './zone.ts';

/** Instructions between two looks at the budget. */
const SLICE = 1 << 18;
/** Words that a run inside another one saves: R0 to R11. */
const REGISTER_WORDS = 24;
const NEVER = Number.POSITIVE_INFINITY;
/** Why a run was stopped that reached {@link Interpreter.limit}. */
export const BUDGET_SPENT = 'the instruction budget is spent';

/** How far a run came: to its end, or to where it waits for {@link Interpreter.resume} or {@link Interpreter.answer}. */
export type Progress = 'done' | 'paused' | 'called';

/** A run that waits. */
interface Paused {
  readonly program: InterpProgram;
  readonly pc: number;
  readonly base: number;
  readonly tailCalls: number;
  /** of {@link Interpreter.enter} */
  readonly depth: number;
}
const MOV_PERCPU = opNumber('movPercpu');

/** A slot that means nothing was executed: the verifier lets none through. @internal becomes the fault of the guest */
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
  /**
   * Whether the function calls the program back for long: the run waits for {@link Interpreter.answer} instead of
   * having the function inside of it, and who runs the machine calls it.
   */
  leavesFor?(addressLo: number, addressHi: number, frame: number): boolean;
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
  limit = NEVER;
  /** asked now and then: whether the run is to wait for {@link resume} */
  onSlice: (() => boolean) | undefined;
  /** value of {@link executed} at which a run pauses, asked anew after each call that it makes; never where it cannot */
  pauseAt: (() => number) | undefined;
  readonly #guest: GuestMemory;
  readonly #loop: Loop;
  /** leaves after each instruction; made when a run comes close to its limit */
  #single: Loop | undefined;
  #paused: Paused | undefined;
  /** runs that wait for functions that they called, innermost last */
  readonly #calling: Paused[] = [];
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
    this.#guest = guest;
    this.#loop = makeLoop(guest.wasm, base, trace !== undefined);
    this.#slow = new SlowPath(guest, this.zone);
    this.#fp = base + FRAMES;
    this.#trace = trace;
  }

  /** Registers and frames lie in the zone, which is saved with memory. */
  save() {
    const { executed, limit } = this;
    const saved = this.#saved.map((r) => r?.slice());
    const waiting = { paused: this.#paused, calling: this.#calling.slice() };
    return { executed, limit, ...waiting, saved, depth: this.#depth, fp: this.#fp, zone: this.zone.save() };
  }
  restore(s: ReturnType<Interpreter['save']>): void {
    this.executed = s.executed;
    this.limit = s.limit;
    this.#paused = s.paused;
    this.#calling.splice(0, this.#calling.length, ...s.calling);
    s.saved.forEach((r, n) => {
      if (r !== undefined) this.#saved[n] = r.slice();
    });
    this.#depth = s.depth;
    this.#fp = s.fp;
    this.zone.restore(s.zone);
  }

  /** Begins a run: the registers are its own, all 0, until {@link leave}. */
  enter(): void {
    if (this.#paused) this.abandon();
    const depth = this.#depth++;
    if (depth > 0) (this.#saved[depth] ??= new Int32Array(REGISTER_WORDS)).set(this.registers);
    this.registers.fill(0);
  }

  leave(): void {
    const depth = --this.#depth;
    if (depth > 0) this.registers.set(this.#saved[depth]!);
  }

  /** Whether a run waits: it has not left, and its registers are in place. */
  get isPaused(): boolean {
    return this.#paused !== undefined;
  }
  /** Nobody will resume the runs that wait. */
  abandon(): void {
    const outermost = this.#calling[0] ?? this.#paused;
    if (outermost === undefined) return;
    this.#fp = outermost.base;
    this.#paused = undefined;
    this.#calling.length = 0;
    while (this.#depth >= outermost.depth) this.leave();
  }

  /**
   * Runs a program's function, the one whose first slot is at `start`, until it returns or waits.
   * @throws GuestFault, InvalidInsnError, MachineStop, or what a called function throws
   */
  run(program: InterpProgram, start: number, env: InterpEnv): Progress {
    return this.#go({ program, pc: start, base: this.#fp, tailCalls: 0, depth: this.#depth }, env);
  }
  /** Goes on with the run whose function has returned. @throws as {@link run} */
  answer(lo: number, hi: number, env: InterpEnv): Progress {
    const calling = this.#calling.pop();
    if (calling === undefined) throw new MachineStop('the interpreter is returned to, and called nothing');
    this.registers[0] = lo;
    this.registers[1] = hi;
    return this.#go(calling, env);
  }
  /** Goes on with the run that waits. @throws as {@link run} */
  resume(env: InterpEnv): Progress {
    const paused = this.#paused as Paused;
    this.#paused = undefined;
    return this.#go(paused, env);
  }

  #go(from: Paused, env: InterpEnv): Progress {
    const { base, depth } = from;
    let { program, pc, tailCalls } = from;
    const I = this.zone.i32;
    let isBegun = true;
    let waits = false;
    // jumps count what lies between them: what is in front of pc is not in `executed` meanwhile
    this.executed -= before(program, pc);
    try {
      for (;;) {
        this.#trace?.(pc);
        const why = this.#slice(program, pc, base);
        pc = this.#state[STATE.pc / 4]! >>> 0;
        this.#fp = this.#state[STATE.fp / 4]! >>> 0;
        this.executed += this.#state[STATE.count / 4]!;
        if (why === LEFT.done) return 'done';
        if (why === LEFT.budget) {
          if (this.#isReached(program, pc, this.limit)) {
            isBegun = false;
            throw new MachineStop(BUDGET_SPENT);
          }
          if (!this.#isReached(program, pc, this.pauseAt?.() ?? NEVER) && !this.onSlice?.()) continue;
          this.executed += before(program, pc);
          this.#paused = { program, pc, base, tailCalls, depth };
          waits = true;
          return 'paused';
        }
        const at = pc >>> 2;
        if (why === LEFT.helper) {
          if (env.leavesFor?.(I[at + SLOT.src / 4]!, I[at + SLOT.off / 4]!, I[at]! >>> 16)) {
            pc += SLOT_BYTES;
            this.executed += before(program, pc);
            this.#calling.push({ program, pc, base, tailCalls, depth });
            waits = true;
            return 'called';
          }
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
            program = next;
            pc = next.code;
          }
        } else if (why === LEFT.frames) throw new MachineStop('the interpreter has no room for another call');
        else throw new InvalidInsnError(I[at + SLOT.off / 4]!);
      }
    } catch (error) {
      // the instruction at pc was begun, but for a limit that was reached in front of it
      this.executed += before(program, isBegun ? pc + SLOT_BYTES : pc);
      throw error;
    } finally {
      if (!waits) this.#fp = base;
    }
  }

  /** Executes some, and none beyond the limit: by the instruction where a jump might be too far away to stop at. */
  #slice(program: InterpProgram, pc: number, base: number): Left {
    const limit = Math.min(this.limit, this.pauseAt?.() ?? NEVER);
    if (limit === NEVER) return this.#loop(pc, this.#fp, base, SLICE);
    // the loop looks at each jump that is taken, between which lies no more than the program
    const left = limit - this.executed - 2 * program.slots;
    if (left > 0) return this.#loop(pc, this.#fp, base, Math.min(SLICE, left));
    if (this.#isReached(program, pc, limit)) {
      this.#state[STATE.pc / 4] = pc;
      this.#state[STATE.fp / 4] = this.#fp;
      this.#state[STATE.count / 4] = 0;
      return LEFT.budget;
    }
    this.#single ??= makeLoop(this.#guest.wasm, this.zone.base, true);
    return this.#single(pc, this.#fp, base, SLICE);
  }
  /** Whether a limit is reached: the instruction at pc is one too many. */
  #isReached(program: InterpProgram, pc: number, limit: number): boolean {
    const slot = (pc - program.code) / SLOT_BYTES;
    const counts = program.before[slot + 1]! - program.before[slot]!;
    return counts > 0 && this.executed + program.before[slot]! >= limit;
  }

  #execute(pc: number, env: InterpEnv): number {
    const word = this.zone.i32[pc >>> 2]!;
    if ((word & 0xffff) !== MOV_PERCPU) return this.#slow.execute(pc);
    env.percpu(word >>> 18, this.zone.i32[(pc + SLOT.src) >>> 2]! >> 2);
    return pc + SLOT_BYTES;
  }
}

/** Instructions that count in front of a slot. */
const before = (program: InterpProgram, pc: number): number => program.before[(pc - program.code) / SLOT_BYTES]!;
