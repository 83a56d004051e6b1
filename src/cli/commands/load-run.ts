/** The run stage of `load`: a recording is replayed, and trace_pipe goes to stdout as it fills. */

import { fileURLToPath } from 'node:url';
import type { Kernel, ReplayOptions } from '../../../kernel-sim/index.ts';
import {
  openRecording,
  openWorkload,
  PacedSteps,
  type RecordingStream,
  recordCommand,
  type WorkloadName,
} from '../../replay/index.ts';
import { grouped } from '../../show/grouped.ts';
import { UserError } from '../errors.ts';
import { INTERRUPTED } from '../interrupt.ts';
import { packageRoot } from '../package-root.ts';
import { Progress } from '../progress.ts';
import { out } from '../standard.ts';
import { plural, stage, warn } from '../style.ts';
import { escapeControls, tell } from '../terminal.ts';

/** Ships with the package: `strace -f -ttt python3`, beside the script that it ran. */
const SHIPPED = 'fixtures/traces/python3.strace';

/** characters of trace_pipe that are written at once where a slice of the run prints more */
const CHUNK = 0x10000;

interface Recording {
  readonly name: string;
  /** file that it can be read from again */
  readonly path?: string;
  /** it is made by this command as it runs */
  readonly command?: string;
  /** Its steps. A command begins then. */
  readonly open: () => RecordingStream;
}

export interface RecordingOptions {
  readonly replay?: string;
  readonly workload?: WorkloadName;
  readonly seed?: number;
  readonly follow?: boolean;
  /** times as fast as it happened; as fast as it goes without */
  readonly speed?: number;
}

/** Opens the user's recording or starts their command; without either it is the recording that ships. @throws UserError where nothing in it can be read */
export async function openReplay(options: RecordingOptions, command: readonly string[]): Promise<Recording> {
  const { replay, follow, workload } = options;
  if (workload !== undefined) {
    if (replay !== undefined || command.length > 0) throw new UserError('either --workload or a recording, not both');
    return { name: `the workload ${workload}`, open: () => openWorkload(workload, options.seed) };
  }
  if (command.length > 0) {
    if (replay !== undefined) throw new UserError('either --replay or a command behind --, not both');
    return { name: command.join(' '), command: command[0] as string, open: () => recordCommand(command) };
  }
  if (follow && replay === undefined) throw new UserError('--follow waits for a file to grow: name it with --replay');
  const name = replay === undefined ? 'a recording of python3' : replay === '-' ? 'standard input' : replay;
  const path = replay ?? fileURLToPath(new URL(SHIPPED, packageRoot()));
  const steps = openRecording(path, { follow: follow === true });
  if (!(await steps.begin())) throw noCalls(name);
  return { name, ...(replay === '-' ? {} : { path }), open: () => steps };
}

const noCalls = (name: string): UserError =>
  new UserError(`${name}: no line of it is a system call; it should be what strace -f wrote`);
const notRun = (command: string): UserError =>
  new UserError(
    `${command}: strace could not run it; what stands behind -- is a command of this host, with its arguments`,
  );

export interface RunOutcome {
  readonly text: string;
  readonly ms: number;
  readonly exitCode: number;
}

export async function replayAll(
  kernel: Kernel,
  recording: Recording,
  options: {
    readonly maxInsns?: number;
    readonly speed?: number;
    readonly moments?: ReplayOptions['moments'];
    readonly signal: AbortSignal;
  },
): Promise<RunOutcome> {
  const { name } = recording;
  stage('run', `replaying ${name}`);
  const steps = recording.open();

  let lines = 0;
  const progress = new Progress();
  // a write is a system call: one for what a slice of the run printed; the pipe's own buffer would overwrite the oldest
  let chunk = '';
  const flush = (): void => {
    if (chunk !== '') progress.clear();
    // trace_pipe's own bytes for a program that reads them; on a terminal they are only shown
    if (chunk !== '') out.write(out.isTerminal ? escapeControls(chunk) : chunk);
    chunk = '';
  };
  const unlisten = kernel.tracePipe.onLine((line) => {
    lines++;
    chunk += `${line}\n`;
    if (chunk.length >= CHUNK) flush();
  });
  try {
    const result = await kernel.replay(options.speed === undefined ? steps : new PacedSteps(steps, options.speed), {
      signal: options.signal,
      onProgress: ({ calls, insns }) => {
        flush();
        progress.show(() => `${grouped(calls)} system calls, ${grouped(insns)} instructions`);
      },
      ...(options.maxInsns === undefined ? {} : { maxInsns: options.maxInsns }),
      ...(options.moments === undefined ? {} : { moments: options.moments }),
    });
    flush();
    for (const oops of result.oopses) tell(`${oops}\n`);
    const warning = steps.warnings.summary(name);
    if (warning !== undefined) warn(warning);
    if (options.speed !== undefined && steps.position > 1 && !steps.isTimed)
      warn(`${name} has no times, so --speed changed nothing; strace -ttt writes them`);
    const text = `${plural(result.calls, 'system call')}, ${plural(lines, 'line')} of trace_pipe`;
    const ms = progress.elapsed;
    if (options.signal.aborted) return { text: `interrupted after ${text}`, ms, exitCode: INTERRUPTED };
    if (steps.position === 0) throw recording.command === undefined ? noCalls(name) : notRun(recording.command);
    const replayed = `${plural(steps.position, 'step')} of ${plural(steps.tasks, 'task')}`;
    const ended =
      result.stopped === 'max-insns' ? `, ended by --max-insns after ${grouped(result.insns)} instructions` : '';
    return { text: `${replayed}: ${text}${ended}`, ms, exitCode: result.oopses.length > 0 ? 1 : 0 };
  } finally {
    flush();
    progress.clear();
    unlisten();
  }
}
