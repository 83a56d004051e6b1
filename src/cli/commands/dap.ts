/** `ebpf-emu dap`: a debug adapter on standard input and output, for editors. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { openOrRefused } from '../../debug/index.ts';
import { type LaunchArguments, type Opened, serveDap } from '../../protocol/index.ts';
import { type DebuggingOptions, pathBeside, sessionOptions } from '../debugging.ts';
import { UserError } from '../errors.ts';
import { out } from '../standard.ts';

/** `parse`: the options of `debug` from words of a command line. @throws UserError */
export async function dap(parse: (args: readonly string[]) => DebuggingOptions): Promise<void> {
  try {
    await serveDap((args) => openLaunch(args, parse), process.stdin, out.stream);
  } finally {
    // what the client may still hold open keeps nothing here
    process.stdin.destroy();
  }
}

/** What a launch request asks for. @throws UserError, FileError, BpfError ... */
export async function openLaunch(
  { program, replay, args = [] }: LaunchArguments,
  parse: (args: readonly string[]) => DebuggingOptions,
): Promise<Opened> {
  if (typeof program !== 'string' || program === '')
    throw new UserError("launch: 'program' names the object file to debug");
  if (!existsSync(program)) throw new UserError(`launch: 'program' is ${resolve(program)}: no such file`);
  const options = await sessionOptions(program, { ...parse(args), ...(replay ? { replay } : {}) });
  const session = await openOrRefused({ ...options, name: program });
  return {
    session,
    sourcePath: (file) => {
      const path = pathBeside(program, file);
      return path === undefined ? undefined : resolve(path);
    },
  };
}
