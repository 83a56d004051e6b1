/**
 * The command line. Each command is a module of its own that is loaded when asked for, so that
 * start-up pays only for what runs.
 *
 * Exit codes: 0 done; 1 the input was refused or could not be used, in one line that says why;
 * 2 the command line itself was wrong; 130 interrupted.
 */
import { CommanderError } from 'commander';
import { FileError } from '../platform/index.ts';
import { report } from './errors.ts';
import { endPager } from './pager.ts';
import { err, out } from './standard.ts';
import { build } from './tree/index.ts';

/** A reader that has seen enough (`| head`) ends the command, as SIGPIPE ends others. */
const BROKEN_PIPE = 141;
const onPipeError = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(BROKEN_PIPE);
  // a full disk: what was to be seen is lost, so the command failed
  report(FileError.from(error, 'output'));
  process.exit(1);
};

/** Runs one command line and sets the exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  out.onError = onPipeError;
  err.onError = onPipeError;
  try {
    const dashes = argv.indexOf('--');
    await build(dashes < 0 ? undefined : argv.length - dashes - 1, argv[2]).parseAsync([...argv]);
    await endPager();
  } catch (error) {
    await endPager();
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else process.exitCode = report(error);
  }
}

/** What is run once when the package is built, for the code cache of bin/ebpf-emu.cjs. @param argv ends with an object file */
export async function rehearse(argv: readonly string[]): Promise<void> {
  await run(argv);
  await (await import('./rehearsal.ts')).drawOnce(argv.at(-1) as string);
}
