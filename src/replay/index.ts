/** Recordings of real programs, made ready for {@link Kernel.replay}. */
import type { Trace, TraceStep, TraceTask } from '../../kernel-sim/index.ts';
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { encodeUtf8 } from '../platform/index.ts';
import { StraceParser } from './strace/parser.ts';
import type { RecordingWarning } from './warnings.ts';

export { StraceParser } from './strace/parser.ts';
export type { RecordingWarning } from './warnings.ts';

/**
 * Reads `strace -f` output in any of its forms. A line that cannot be read is a warning; the rest is replayed.
 * For long recordings, and those that are still being made, there is {@link openRecording}.
 */
export function readStrace(text: string): { readonly trace: Trace; readonly warnings: readonly RecordingWarning[] } {
  checkArgument('text', text, is.text);
  const parser = new StraceParser({ whole: true });
  parser.push(encodeUtf8(text));
  parser.end();
  const tasks: TraceTask[] = [];
  const steps: TraceStep[] = [];
  for (let step = parser.next(); step; step = parser.next()) {
    if (step.kind === 'task') tasks.push({ pid: step.pid, comm: step.comm });
    else steps.push(step);
  }
  const startRealtime = parser.epoch;
  return {
    trace: { tasks, steps, ...(startRealtime === undefined ? {} : { startRealtime }) },
    warnings: parser.warnings.list,
  };
}
