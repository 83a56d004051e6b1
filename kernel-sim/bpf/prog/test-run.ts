/** What PROG_TEST_RUN takes and gives, and who runs it: a driver, on a floor above. */
import type { Schema } from '../../../src/errors/argument.ts';
import * as is from '../../../src/errors/checks.ts';
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

/** A run in slices: whoever drives it may do something else at each pause, and may end it there by throwing into it. */
export type TestRun = Generator<void, TestRunResult, void>;

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

/** Who makes test runs of programs. @throws BpfError as bpf(2) fails */
export interface TestRuns {
  /** straight through */
  through(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions): TestRunResult;
  /** in slices, with turns for the event loop in between */
  inSlices(state: BpfState, counter: InsnCounter, prog: BpfProg, options: AsyncTestRunOptions): Promise<TestRunResult>;
}
