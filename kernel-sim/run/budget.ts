/**
 * How much of a run may happen before somebody looks: the instruction limit, which counts instructions of the BPF
 * program, and slices of time. The machine stops after so many of its own instructions, so a limit is come
 * close to from below: of what is left, none of the machine's instructions is more than `heaviest` of BPF's.
 * A callback of a helper, which the host calls, is not stopped in its middle.
 */
import { host } from '../../src/platform/index.ts';
import type { InsnCounter } from '../bpf/prog/test-run.ts';
import type { Ground } from '../floors/ground.ts';

/** machine instructions of the first slice, and bounds of the others */
const FIRST_SLICE = 1 << 17;
const LEAST_SLICE = 1 << 14;
const MOST_SLICE = 2 ** 32;
/** ms that a slice is to take */
const SHORT = 20;
const LONG = 50;
/** machine instructions behind the last BPF instruction that may be executed, until the next would be */
const TAIL = 1 << 20;
/** machine instructions for one of BPF's where there is only one look */
const NESTED = 64;

export class Budget {
  readonly #kernel: Ground;
  readonly #counter: InsnCounter;
  /** value of the counter at which the run is stopped */
  readonly #limit: number;
  readonly #heaviest: number;
  /** machine instructions at which callbacks of helpers are ended, where the limit is not exact */
  readonly innerLimit: number;
  #tail = TAIL;
  #slice = Number.POSITIVE_INFINITY;
  #sliceEnd = Number.POSITIVE_INFINITY;
  #sliceStart = 0;

  /** `sliced`: whether there are slices at all */
  constructor(kernel: Ground, counter: InsnCounter, maxInsns: number | undefined, sliced: boolean) {
    this.#kernel = kernel;
    this.#counter = counter;
    this.#limit = maxInsns === undefined ? Number.POSITIVE_INFINITY : counter.read() + maxInsns;
    let heaviest = 1;
    if (maxInsns !== undefined) for (const w of kernel.machine.weights.values()) heaviest = Math.max(heaviest, w);
    this.#heaviest = heaviest;
    this.innerLimit = kernel.machine.insns + TAIL + NESTED * (maxInsns ?? Number.POSITIVE_INFINITY);
    if (sliced) {
      this.#slice = FIRST_SLICE;
      this.nextSlice();
    }
  }

  /** Slices are the host's; what is left of the tail is the run's. */
  save(): number {
    return this.#tail;
  }
  restore(tail: number): void {
    this.#tail = tail;
  }

  /** Machine instructions that may be executed before the next look; 0 where the limit is reached. */
  get left(): number {
    // one that begins late in a slice may end late, too
    const slice = this.#slice;
    // the interpreter keeps to its limit by itself
    if (this.#limit === Number.POSITIVE_INFINITY || this.#kernel.interp) return slice;
    const { machine, cpu } = this.#kernel;
    const bpf = this.#limit - this.#counter.read();
    // called by a handler of guest code, which cannot go on after a stop: the limit is not exact then
    if (machine.running) return Math.max(1, bpf * NESTED);
    if (bpf >= this.#heaviest) return Math.max(1, Math.min(slice, Math.floor(bpf / this.#heaviest)));
    const next = machine.weights.get(cpu.rip) ?? 0;
    return next > bpf || this.#tail-- <= 0 ? 0 : 1;
  }

  /** Whether it is time to let others have a turn. */
  get isSliceOver(): boolean {
    return this.#work >= this.#sliceEnd;
  }
  /** Begins a slice; how long it is follows from how long the last one took. */
  nextSlice(): void {
    const now = host.now();
    if (this.#sliceStart > 0) {
      const took = now - this.#sliceStart;
      if (took < SHORT) this.#slice = Math.min(MOST_SLICE, this.#slice * 2);
      else if (took > LONG) this.#slice = Math.max(LEAST_SLICE, this.#slice / 2);
    }
    this.#sliceStart = now;
    this.#sliceEnd = this.#work + this.#slice;
  }
  /** What was done so far: instructions of whichever kind the engine executes. */
  get #work(): number {
    const { machine, interp } = this.#kernel;
    return interp === undefined ? machine.insns : machine.insns + interp.executed;
  }
}
