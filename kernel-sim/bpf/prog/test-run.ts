/** What PROG_TEST_RUN takes and gives, and who runs it: a driver, on a floor above. */
import type { Schema } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
import type { Addr } from '../../../src/machine/addr.ts';
import type { Pair } from '../../core/args.ts';
import type { Stateful } from '../../core/state.ts';
import type { BpfState } from '../objects/state.ts';
import type { BpfProg } from './prog.ts';

export interface TestRunOptions {
  /** the packet; at most a page less its head and tail room, or the program's data where it is unverified */
  readonly dataIn?: Uint8Array;
  /** the context: `__sk_buff`, `xdp_md`, the arguments of a raw tracepoint, a syscall program's structure */
  readonly ctxIn?: Uint8Array;
  /** default 1 */
  readonly repeat?: number;
  /** BPF_F_TEST_RUN_ON_CPU and others */
  readonly flags?: number;
  readonly cpu?: number;
  /** room for the data that comes out; without it, all of it comes out */
  readonly dataSizeOut?: number;
  readonly ctxSizeOut?: number;
  /**
   * BPF instructions, of the program as loaded and over all repeats, after which the run is stopped (EINTR);
   * default none, which is the verifier's guarantee
   */
  readonly maxInsns?: number;
}

export const TEST_RUN_OPTIONS: Schema<TestRunOptions> = {
  dataIn: is.bytes,
  ctxIn: is.bytes,
  repeat: is.bits32,
  flags: is.bits32,
  cpu: is.bits32,
  dataSizeOut: is.bits32,
  ctxSizeOut: is.bits32,
  maxInsns: is.count,
};

/** A test run that leaves the event loop its turns. */
export interface AsyncTestRunOptions extends TestRunOptions {
  /** ends the run (EINTR) within some hundredths of a second */
  readonly signal?: AbortSignal;
  /** told between two slices of the run, some dozen times a second */
  readonly onProgress?: (progress: TestRunProgress) => void;
}

export const ASYNC_TEST_RUN_OPTIONS: Schema<AsyncTestRunOptions> = {
  ...TEST_RUN_OPTIONS,
  signal: is.object,
  onProgress: is.callback,
};

export interface TestRunProgress {
  /** repeats that are complete */
  readonly runs: number;
  /** BPF instructions executed so far */
  readonly insns: number;
}

/** A function that a test run calls. */
export interface TestCall {
  readonly target: Addr;
  readonly args: readonly Pair[];
  /** Looks at the low half of what it answered. @throws BpfError */
  check?(r0: number): void;
}

/** What a family of program types makes of the options: what is called, and what comes out. */
export interface TestSetup {
  /** in order; the only one as often as the options say */
  readonly calls: readonly TestCall[];
  /** a program is called as the kernel's text calls it: it stays on its CPU; `atomic`: with softirqs off; undefined: a function of the kernel's */
  readonly as: 'atomic' | 'program' | undefined;
  /** Takes out what the program left. @throws BpfError ENOSPC */
  collect(): TestRunResult;
  /** Frees what was made for it. */
  release(): void;
}

/** Why {@link TestRun.step} came back. */
export interface TestRunStop {
  /**
   * 'budget': as many instructions were executed as asked for. 'breakpoint': rip is at one of the machine's
   * breakpoints. 'slice': others should have a turn. 'end': {@link TestRun.finish} has the result.
   */
  readonly reason: 'budget' | 'breakpoint' | 'slice' | 'end';
  /** it stopped in guest code that a handler of the host had called, and cannot go on from here */
  readonly inner: boolean;
}

/** A test run, to be stepped; between two steps the kernel can be saved and restored. */
export interface TestRun extends Stateful {
  /** repeats that are complete */
  readonly runs: number;
  /** BPF instructions executed so far */
  readonly insns: number;
  /** Executes `maxInsns` machine instructions or some more, to where it can stop. @throws BpfError where the run cannot go on */
  step(maxInsns?: number): TestRunStop;
  /** The result, once step says that it is there; before, the program is abandoned where it is. @throws BpfError EINTR */
  finish(): TestRunResult;
}

export interface TestRunResult {
  /** u32, as Linux gives it */
  readonly retval: number;
  /** the whole of R0 */
  readonly r0: bigint;
  /** BPF instructions executed, of the program as loaded, over all repeats */
  readonly insns: number;
  readonly dataOut: Uint8Array;
  readonly ctxOut: Uint8Array;
  /** average of one run in ns, on the kernel's clock */
  readonly duration: number;
}

/** Counts instructions of loaded programs. */
export interface InsnCounter {
  /** instructions so far, on whatever engine */
  read(): number;
  /** stops runs of the interpreter after so many more */
  limit(more: number | undefined): void;
}

/**
 * Why a {@link ProgramThread} stopped: at an address asked for; at its end; where it waits for a spin lock that another one
 * holds; at a fault in the kernel, or in what is not modelled.
 */
export type ThreadStop =
  | { readonly reason: 'point'; readonly at: Addr }
  | { readonly reason: 'end' }
  | { readonly reason: 'spins' }
  | { readonly reason: 'fault'; readonly text: string };

/** A program on a CPU of its own, beside others, of which one executes at a time. */
export interface ProgramThread extends Stateful {
  readonly prog: BpfProg;
  readonly cpu: number;
  /** it has returned */
  readonly ended: boolean;
  /** Executes to the next of these addresses; at least one instruction. */
  run(points: { has(at: Addr): boolean }): ThreadStop;
}

/** Who makes test runs of programs. @throws BpfError as bpf(2) fails */
export interface TestRuns {
  /** straight through */
  through(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions): TestRunResult;
  /** to be stepped */
  begin(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions): TestRun;
  /** on a CPU of its own, beside others */
  thread(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions, cpu: number): ProgramThread;
  /** in slices, with turns for the event loop in between */
  inSlices(state: BpfState, counter: InsnCounter, prog: BpfProg, options: AsyncTestRunOptions): Promise<TestRunResult>;
}
