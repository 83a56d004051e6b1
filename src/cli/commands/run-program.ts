/** `ebpf-emu run`: a program of user space executes in the model, with BPF objects attached to it and to the kernel below it. */

import { readSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Kernel, ProgramStreams } from '../../../kernel-sim/index.ts';
import type { LoadedObject } from '../../object/index.ts';
import { grouped } from '../../show/grouped.ts';
import { UserError } from '../errors.ts';
import { readInput } from '../files.ts';
import { INTERRUPTED, onInterrupt } from '../interrupt.ts';
import { optimiseLater } from '../optimiser.ts';
import { Progress } from '../progress.ts';
import { boot, openInput } from '../session.ts';
import { err, out } from '../standard.ts';
import { milliseconds, plural, stage, warn } from '../style.ts';
import { escapeControls, tell } from '../terminal.ts';
import { attach, loadPrograms, type StageOptions, showCode, showObject } from './load.ts';
import { type ResultOptions, Results } from './load-results.ts';

export interface RunProgramOptions extends StageOptions, ResultOptions {
  readonly load?: readonly string[];
  readonly as?: string;
  readonly file?: readonly string[];
  readonly env?: readonly string[];
  readonly maxInsns?: number;
}

export async function runProgram(file: string, args: readonly string[], options: RunProgramOptions): Promise<void> {
  const bytes = readInput(file);
  const kernel = await optimiseLater(() => boot(options));
  const path = options.as ?? resolve(file);
  // sections may name it as the loader would: from where it was started
  kernel.root.cwd = process.cwd();
  kernel.root.add(path, bytes, 0o755);
  for (const given of options.file ?? []) addFile(kernel, given);
  kernel.programs.check(path);
  const loaded: LoadedObject<Kernel>[] = [];
  for (const object of options.load ?? []) {
    const one = await prepare(kernel, object, options);
    if (one === undefined) return;
    loaded.push(one);
  }
  const results = new Results(kernel, loaded, options);
  const run = await execute(kernel, { path, argv: [file, ...args], env: options.env ?? [] }, options);
  results.finish();
  stage('done', run.text);
  process.exitCode = run.exitCode;
}

async function prepare(kernel: Kernel, file: string, options: RunProgramOptions) {
  const object = await openInput(file, kernel, options);
  showObject(file, object);
  const loaded = loadPrograms(kernel, object, options);
  if (loaded === undefined) return undefined;
  showCode(kernel, loaded);
  const device = kernel.net.devices.byIndex(1);
  if (device === undefined) throw new UserError('the kernel has no loopback device');
  attach(kernel, loaded, options.keepGoing === true, device);
  return loaded;
}

/** `PATH=FILE` */
function addFile(kernel: Kernel, given: string): void {
  const at = given.indexOf('=');
  if (at <= 0) throw new UserError(`--file ${given}: it takes PATH=FILE, the path that the program knows first`);
  kernel.root.add(given.slice(0, at), readInput(given.slice(at + 1)));
}

const STDIN = 0;
/** The standard streams of this process. */
const streams: ProgramStreams = {
  read(bytes) {
    const into = Buffer.alloc(Math.min(bytes, 1 << 16));
    try {
      return into.subarray(0, readSync(STDIN, into));
    } catch {
      // nothing to read from counts as its end
      return into.subarray(0, 0);
    }
  },
  write(fd, bytes) {
    // what was traced before it comes before it
    (fd === 2 ? err : out).write(bytes.slice());
  },
};

interface Outcome {
  readonly text: string;
  readonly exitCode: number;
}

async function execute(
  kernel: Kernel,
  run: { readonly path: string; readonly argv: readonly string[]; readonly env: readonly string[] },
  { maxInsns }: RunProgramOptions,
): Promise<Outcome> {
  let status = 0;
  let lines = 0;
  kernel.programs.ended.add((_pid, waitStatus) => {
    status = waitStatus;
  });
  // what ends a program is in the kernel's log
  const unlog = kernel.printk.logged.add((line) => warn(line));
  kernel.programs.unknownCall.add((name) => warn(`${name} is not modelled for programs: it gives ENOSYS`));
  const unlisten = kernel.tracePipe.onLine((line) => {
    lines++;
    out.write(out.isTerminal ? escapeControls(`${line}\n`) : `${line}\n`);
  });
  const { signal, forget } = onInterrupt();
  const progress = new Progress();
  stage('run', run.argv.join(' '));
  try {
    const result = await kernel.replay(kernel.program(run, streams), {
      signal,
      onProgress: ({ calls, insns }) =>
        progress.show(() => `${plural(calls, 'system call')}, ${grouped(insns)} instructions`),
      ...(maxInsns === undefined ? {} : { maxInsns }),
    });
    for (const oops of result.oopses) tell(`${oops}\n`);
    const text = `${plural(result.calls, 'system call')}, ${plural(lines, 'line')} of trace_pipe in ${milliseconds(progress.elapsed)}`;
    if (signal.aborted) return { text: `interrupted after ${text}`, exitCode: INTERRUPTED };
    return outcome(status, text, result.stopped);
  } finally {
    progress.clear();
    unlisten();
    unlog();
    forget();
  }
}

/** As a shell has it: the status, or 128 and the signal's number. */
function outcome(status: number, text: string, stopped: string | undefined): Outcome {
  const killedBy = status & 0x7f;
  if (stopped !== undefined) return { text: `stopped (${stopped}) after ${text}`, exitCode: 1 };
  if (killedBy !== 0) return { text: `killed by signal ${killedBy} after ${text}`, exitCode: 128 + killedBy };
  return { text: `exit status ${status >> 8} after ${text}`, exitCode: status >> 8 };
}
