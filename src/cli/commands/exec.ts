/** `ebpf-emu exec`: a program of the host, with the model's kernel in front of it. */
import { exec, join, modelOf } from '../../host/index.ts';
import { PacedSteps } from '../../replay/index.ts';
import { UserError } from '../errors.ts';
import { boot, type KernelOptions } from '../session.ts';
import { tell } from '../terminal.ts';
import { openReplay, type RecordingOptions } from './load-run.ts';

export interface ExecCommandOptions extends KernelOptions, RecordingOptions {
  /** a command line of the shell's */
  readonly live?: string;
  readonly name?: string;
  readonly join?: string;
  readonly then: 'wait' | 'int';
}

const say = (line: string): void => tell(`${line}\n`);

export async function run(command: readonly string[], options: ExecCommandOptions): Promise<void> {
  if (command.length === 0) throw new UserError('name the command to run: ebpf-emu exec -- bpftool prog list');
  // Ctrl-C is the command's: it ends, and with it this
  process.on('SIGINT', () => {});
  if (options.join !== undefined) {
    process.exitCode = await join(options.join, command, process.env);
    return;
  }
  // executables that uprobes are in are the command's: this host's
  const kernel = await boot({ sysroot: '/', ...options });
  // where no recording says when it was, it is now
  kernel.clock.setRealtime(BigInt(Date.now()) * 1_000_000n);
  const { live } = options;
  if (live !== undefined && (options.replay ?? options.workload) !== undefined)
    throw new UserError('either --replay, --workload or --live, not several');
  const hasEvents = (options.replay ?? options.workload ?? live) !== undefined;
  const recording = hasEvents ? await openReplay(options, live === undefined ? [] : ['sh', '-c', live]) : undefined;
  const { speed } = options;
  process.exitCode = await exec(modelOf(kernel), {
    command,
    env: process.env,
    name: options.name,
    events: recording
      ? () => {
          const steps = recording.open();
          return kernel.replayer(speed === undefined ? steps : new PacedSteps(steps, speed));
        }
      : undefined,
    // what happens now takes its own time
    speed: speed ?? (live === undefined ? undefined : 1),
    atEnd: options.then,
    say,
  });
}
