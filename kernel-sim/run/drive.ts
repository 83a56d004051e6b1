/** Who drives a test run: straight through, or with turns for the event loop in between. */
import { checkArgument, checkOptions } from '../../src/errors/argument.ts';
import * as is from '../../src/errors/checks.ts';
import { host } from '../../src/platform/index.ts';
import { BpfError } from '../bpf/errors.ts';
import type { BpfState } from '../bpf/objects/state.ts';
import type { BpfProg } from '../bpf/prog/prog.ts';
import {
  ASYNC_TEST_RUN_OPTIONS,
  type AsyncTestRunOptions,
  type InsnCounter,
  TEST_RUN_OPTIONS,
  type TestRun,
  type TestRunOptions,
  type TestRunResult,
  type TestRuns,
} from '../bpf/prog/test-run.ts';
import { setUp } from './index.ts';
import { Runner } from './runner.ts';
import { Thread } from './thread.ts';

const COMMAND = 'BPF_PROG_TEST_RUN';

/** The kernel's own driver. */
export const testRuns: TestRuns = {
  through: runThrough,
  begin,
  inSlices: runInSlices,
  thread,
};

/** @throws ArgumentError, BpfError */
function thread(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions, cpu: number): Thread {
  checkArgument('cpu', cpu, is.whole(0, state.kernel.percpu.cpus - 1));
  checkOptions('options', options, TEST_RUN_OPTIONS);
  return state.guarded(COMMAND, () => new Thread(state, counter, prog, options, cpu));
}

/** @throws BpfError; EBUSY while another run waits between two slices */
function runThrough(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions): TestRunResult {
  checkOptions('options', options, TEST_RUN_OPTIONS);
  free(state);
  const runner = make(state, counter, prog, options, false);
  // it has no slices and no budget of the machine's, so it comes to its end
  runner.step();
  return runner.finish();
}

/** @throws BpfError; EBUSY while another run is under way */
function begin(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions): TestRun {
  checkOptions('options', options, TEST_RUN_OPTIONS);
  free(state);
  const runner = make(state, counter, prog, options, false);
  state.run.current = runner;
  const over = <T>(go: () => T): T => {
    try {
      return go();
    } catch (error) {
      state.run.current = undefined;
      throw error;
    }
  };
  return {
    get runs() {
      return runner.runs;
    },
    get insns() {
      return runner.insns;
    },
    step: (maxInsns) => over(() => runner.step(maxInsns)),
    finish: () => {
      state.run.current = undefined;
      return runner.finish();
    },
    save: () => runner.save(),
    restore: (saved) => runner.restore(saved as ReturnType<Runner['save']>),
  };
}

/** @throws BpfError; EINTR where the signal ended it */
async function runInSlices(
  state: BpfState,
  counter: InsnCounter,
  prog: BpfProg,
  options: AsyncTestRunOptions,
): Promise<TestRunResult> {
  checkOptions('options', options, ASYNC_TEST_RUN_OPTIONS);
  free(state);
  const { signal, onProgress } = options;
  const runner = make(state, counter, prog, options, true);
  state.run.current = runner;
  try {
    while (signal?.aborted !== true && runner.step().reason !== 'end') {
      onProgress?.({ runs: runner.runs, insns: runner.insns });
      await host.turn();
    }
    return runner.finish();
  } finally {
    state.run.current = undefined;
  }
}

function make(
  state: BpfState,
  counter: InsnCounter,
  prog: BpfProg,
  options: TestRunOptions,
  isSliced: boolean,
): Runner {
  const runner = new Runner(state, counter, prog, options, isSliced);
  runner.start(state.guarded(COMMAND, () => setUp(runner, options)));
  return runner;
}

/** The CPU is in the middle of a program while a run waits: nothing else can run there. */
function free(state: BpfState): void {
  if (state.run.current !== undefined) throw new BpfError(COMMAND, 'EBUSY', 'another test run is under way');
}
