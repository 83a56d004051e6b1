/** What commands that debug begin with: the options of a session from those of a command line. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { SessionOptions } from '../debug/index.ts';
import { openReplay } from './commands/load-run.ts';
import { readInput } from './files.ts';
import { boot, bootOptions, compileInput, type KernelOptions } from './session.ts';

export interface DebuggingOptions extends KernelOptions {
  readonly replay?: string;
  /** bytes that marks to go back to may take */
  readonly history?: number;
}

/** @throws UserError, FileError */
export async function sessionOptions(file: string, options: DebuggingOptions): Promise<SessionOptions> {
  const object = file.endsWith('.c') ? await compileInput(file, await boot(options), options) : readInput(file);
  const { replay } = options;
  const recording = await openReplay(replay === undefined ? {} : { replay }, []);
  return {
    object,
    name: basename(file),
    recording: recording.open(),
    boot: bootOptions(options),
    source: (name) => sourceBeside(file, name),
    ...(options.program === undefined ? {} : { programs: options.program }),
    ...(options.history === undefined ? {} : { history: options.history }),
  };
}

function sourceBeside(file: string, name: string): string | undefined {
  const found = pathBeside(file, name);
  return found === undefined ? undefined : readFileSync(found, 'utf8');
}
/** The C file that the object's line information names: where it says, else beside the object. */
export function pathBeside(file: string, name: string): string | undefined {
  const beside = join(dirname(file), basename(name));
  return isAbsolute(name) && existsSync(name) ? name : existsSync(beside) ? beside : undefined;
}
