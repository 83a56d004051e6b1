/** The run stage of `load`: a recording is replayed, and trace_pipe goes to stdout as it fills. */

import { fileURLToPath } from 'node:url';
import type { Kernel } from '../../../kernel-sim/index.ts';
import { readStrace } from '../../replay/index.ts';
import { UserError } from '../errors.ts';
import { readInput } from '../files.ts';
import { packageRoot } from '../package-root.ts';
import { now, plural, stage, warn } from '../style.ts';

/** Ships with the package: `strace -f -ttt python3`, beside the script that it ran. */
const SHIPPED = 'fixtures/traces/python3.strace';

type Recording = ReturnType<typeof readStrace> & { readonly name: string };

/** Reads the user's recording, or the one that ships. @throws UserError where nothing in it can be read */
export function readRecording(file: string | undefined): Recording {
  const recording = readStrace(readInput(file ?? fileURLToPath(new URL(SHIPPED, packageRoot()))).toString('utf8'));
  if ([...recording.trace.steps].length === 0)
    throw new UserError(`${file}: no line of it is a system call; it should be what strace -f wrote`);
  return { ...recording, name: file ?? 'a recording of python3' };
}

export interface RunOutcome {
  readonly text: string;
  readonly ms: number;
  readonly exitCode: number;
}

const INTERRUPTED = 130;

/** From now on Ctrl-C asks the replay to end with its summary; a second one ends the process at once. */
export function onInterrupt(): { readonly signal: AbortSignal; forget(): void } {
  const interrupt = new AbortController();
  const abort = () => interrupt.abort();
  process.once('SIGINT', abort);
  return { signal: interrupt.signal, forget: () => void process.off('SIGINT', abort) };
}

export async function replayAll(
  kernel: Kernel,
  recording: Recording,
  options: { readonly maxInsns?: number; readonly signal: AbortSignal },
): Promise<RunOutcome> {
  for (const { line, message } of recording.warnings) warn(`${recording.name}, line ${line}: ${message}`);
  const steps = [...recording.trace.steps];
  const tasks = new Set(steps.map((s) => s.pid));
  stage('run', `replaying ${recording.name}: ${plural(steps.length, 'step')} of ${plural(tasks.size, 'task')}`);

  let lines = 0;
  const started = now();
  kernel.tracePipe.onLine = (line) => {
    lines++;
    process.stdout.write(`${line}\n`);
  };
  try {
    const result = await kernel.replay(recording.trace, {
      signal: options.signal,
      ...(options.maxInsns === undefined ? {} : { maxInsns: options.maxInsns }),
    });
    for (const oops of result.oopses) process.stderr.write(`${oops}\n`);
    const text = `${plural(result.calls, 'system call')}, ${plural(lines, 'line')} of trace_pipe`;
    const ms = now() - started;
    if (options.signal.aborted) return { text: `interrupted after ${text}`, ms, exitCode: INTERRUPTED };
    return { text, ms, exitCode: result.oopses.length > 0 ? 1 : 0 };
  } finally {
    kernel.tracePipe.onLine = undefined;
  }
}
