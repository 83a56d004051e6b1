/** The run stage of `load`: a recording is replayed, and trace_pipe goes to stdout as it fills. */

import { fileURLToPath } from 'node:url';
import type { Kernel, Trace, TraceStep } from '../../../kernel-sim/index.ts';
import { readStrace } from '../../replay/index.ts';
import { UserError } from '../errors.ts';
import { readInput } from '../files.ts';
import { INTERRUPTED } from '../interrupt.ts';
import { packageRoot } from '../package-root.ts';
import { Progress } from '../progress.ts';
import { plural, stage, warn } from '../style.ts';

/** Ships with the package: `strace -f -ttt python3`, beside the script that it ran. */
const SHIPPED = 'fixtures/traces/python3.strace';

/** characters of trace_pipe that are written at once where a slice of the run prints more */
const CHUNK = 0x10000;

interface Recording extends Omit<ReturnType<typeof readStrace>, 'trace'> {
  readonly name: string;
  readonly trace: Trace;
  /** those of the trace */
  readonly steps: readonly TraceStep[];
}

/** Reads the user's recording, or the one that ships. @throws UserError where nothing in it can be read */
export function readRecording(file: string | undefined): Recording {
  const { trace, warnings } = readStrace(
    readInput(file ?? fileURLToPath(new URL(SHIPPED, packageRoot()))).toString('utf8'),
  );
  const steps = [...trace.steps];
  if (steps.length === 0)
    throw new UserError(`${file}: no line of it is a system call; it should be what strace -f wrote`);
  return { trace: { ...trace, steps }, steps, warnings, name: file ?? 'a recording of python3' };
}

export interface RunOutcome {
  readonly text: string;
  readonly ms: number;
  readonly exitCode: number;
}

export async function replayAll(
  kernel: Kernel,
  recording: Recording,
  options: { readonly maxInsns?: number; readonly signal: AbortSignal },
): Promise<RunOutcome> {
  for (const { line, message } of recording.warnings) warn(`${recording.name}, line ${line}: ${message}`);
  const { steps } = recording;
  const tasks = new Set(steps.map((s) => s.pid));
  stage('run', `replaying ${recording.name}: ${plural(steps.length, 'step')} of ${plural(tasks.size, 'task')}`);

  let lines = 0;
  const progress = new Progress();
  // a write is a system call: one for what a slice of the run printed; the pipe's own buffer would overwrite the oldest
  let chunk = '';
  const flush = (): void => {
    if (chunk !== '') process.stdout.write(chunk);
    chunk = '';
  };
  const unlisten = kernel.tracePipe.onLine((line) => {
    lines++;
    chunk += `${line}\n`;
    if (chunk.length >= CHUNK) flush();
  });
  try {
    const result = await kernel.replay(recording.trace, {
      signal: options.signal,
      onProgress: ({ calls, insns }) => {
        flush();
        // where the program's own output does not show already that something happens
        if (process.stdout.isTTY !== true)
          progress.show(() => `${calls.toLocaleString('en')} system calls, ${insns.toLocaleString('en')} instructions`);
      },
      ...(options.maxInsns === undefined ? {} : { maxInsns: options.maxInsns }),
    });
    flush();
    for (const oops of result.oopses) process.stderr.write(`${oops}\n`);
    const text = `${plural(result.calls, 'system call')}, ${plural(lines, 'line')} of trace_pipe`;
    const ms = progress.elapsed;
    if (options.signal.aborted) return { text: `interrupted after ${text}`, ms, exitCode: INTERRUPTED };
    return { text, ms, exitCode: result.oopses.length > 0 ? 1 : 0 };
  } finally {
    flush();
    progress.clear();
    unlisten();
  }
}
