/** `ebpf-emu exec`: a program of the host, with the model's kernel in front of it. */
import { exec, join, modelOf } from '../../host/index.ts';
import { UserError } from '../errors.ts';
import { boot, type KernelOptions } from '../session.ts';
import { tell } from '../terminal.ts';
import { openReplay } from './load-run.ts';

export interface ExecCommandOptions extends KernelOptions {
  readonly replay?: string;
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
  const kernel = await boot(options);
  const recording = options.replay === undefined ? undefined : await openReplay({ replay: options.replay }, []);
  process.exitCode = await exec(modelOf(kernel), {
    command,
    env: process.env,
    name: options.name,
    events: recording ? () => kernel.replayer(recording.open()) : undefined,
    atEnd: options.then,
    say,
  });
}
