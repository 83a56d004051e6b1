/** Who drives a test run: straight through, or with turns for the event loop in between. */
import { checkOptions } from '../../src/errors/argument.ts';
import { host } from '../../src/platform/index.ts';
import { BpfError } from '../bpf/errors.ts';
import type { BpfState } from '../bpf/objects/state.ts';
import type { BpfProg } from '../bpf/prog/prog.ts';
import {
  ASYNC_TEST_RUN_OPTIONS,
  type AsyncTestRunOptions,
  type InsnCounter,
  TEST_RUN_OPTIONS,
  type TestRunOptions,
  type TestRunResult,
  type TestRuns,
} from '../bpf/prog/test-run.ts';
import { testRun } from './index.ts';
import { Runner } from './runner.ts';

const COMMAND = 'BPF_PROG_TEST_RUN';

/** The kernel's own driver. */
export const testRuns: TestRuns = { through: runThrough, inSlices: runInSlices };

/** @throws BpfError; EBUSY while another run waits between two slices */
function runThrough(state: BpfState, counter: InsnCounter, prog: BpfProg, options: TestRunOptions): TestRunResult {
  checkOptions('options', options, TEST_RUN_OPTIONS);
  free(state);
  // it has no slices, so it never pauses
  return testRun(new Runner(state, counter, prog, options, false), options).next().value as TestRunResult;
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
  const runner = new Runner(state, counter, prog, options, true);
  const run = testRun(runner, options);
  state.isRunPaused = true;
  try {
    for (;;) {
      const { done, value } = signal?.aborted ? run.throw(interrupted(runner)) : run.next();
      if (done) return value;
      onProgress?.({ runs: runner.runs, insns: runner.insns });
      await host.turn();
    }
  } finally {
    state.isRunPaused = false;
  }
}

function interrupted({ runs, insns }: Runner): BpfError {
  return new BpfError(COMMAND, 'EINTR', `interrupted after ${insns} BPF instructions, in run ${runs + 1}`);
}

/** The CPU is in the middle of a program while a run waits: nothing else can run there. */
function free(state: BpfState): void {
  if (state.isRunPaused) throw new BpfError(COMMAND, 'EBUSY', 'another test run is under way');
}
