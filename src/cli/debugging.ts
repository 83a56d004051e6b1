/** What commands that debug begin with: the options of a session from those of a command line. */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { SavedSession, SessionOptions } from '../debug/index.ts';
import { recordingOf } from '../replay/index.ts';
import { openReplay } from './commands/load-run.ts';
import { readInput, writeOutput } from './files.ts';
import { readSessionFile } from './recorded.ts';
import { boot, bootOptions, compileInput, type KernelOptions } from './session.ts';

export interface DebuggingOptions extends KernelOptions {
  readonly replay?: string;
  /** bytes that marks to go back to may take */
  readonly history?: number;
}

/** From an object file, or a recorded session, in whose place the options stand that say something else. @throws UserError, FileError, DebugError */
export async function sessionOptions(file: string, options: DebuggingOptions): Promise<SessionOptions> {
  const given = readSessionFile(file);
  if (given !== undefined) return recordedOptions(given, options);
  const object = file.endsWith('.c') ? await compileInput(file, await boot(options), options) : readInput(file);
  const { replay } = options;
  const recording = await openReplay(replay === undefined ? {} : { replay }, []);
  return {
    object,
    name: basename(file),
    recording: recording.open(),
    ...(recording.path === undefined ? {} : { recordingBytes: once(recording.path) }),
    boot: bootOptions(options),
    source: (name) => sourceBeside(file, name),
    writeFile: writeOutput,
    ...(options.program === undefined ? {} : { programs: options.program }),
    ...(options.history === undefined ? {} : { history: options.history }),
  };
}
const once = (path: string) => (): Uint8Array => readInput(path);

async function recordedOptions(saved: SavedSession, options: DebuggingOptions): Promise<SessionOptions> {
  const { replay } = options;
  const programs = options.program ?? saved.programs;
  const other = replay === undefined ? undefined : await openReplay({ replay }, []);
  return {
    object: saved.object,
    name: saved.name,
    recording: other?.open() ?? recordingOf(saved.recording),
    recordingBytes: () => (other?.path === undefined ? saved.recording : readInput(other.path)),
    boot: saved.boot,
    source: (name) => saved.sources[name],
    breakpoints: saved.breakpoints,
    changes: saved.changes,
    writeFile: writeOutput,
    ...(programs === undefined ? {} : { programs }),
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
