/** How errors reach the user: one line, and never a stack trace for what the input did. */

import { BpfError } from '../../kernel-sim/bpf/errors.ts';
import { EmuError } from '../errors/index.ts';
import { ClangError } from '../object/error.ts';
import { FileError } from '../platform/index.ts';
import { err } from './standard.ts';
import { paint } from './style.ts';
import { tell } from './terminal.ts';

/** Something the user can mend: a file, an option, a program that the kernel refuses. */
export class UserError extends EmuError {
  override readonly name = 'UserError';
  constructor(message: string) {
    super('ERR_USAGE', message);
  }
}

/** Typed errors of the stages: each says in one line what is wrong and where. */
const isTyped = (error: unknown): error is Error =>
  error instanceof Error && error.constructor !== Error && !BUGS.has(error.name);

/** Names of errors that only a defect of ebpf-emu throws. */
const BUGS = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'AssertionError']);

/** Prints an error to stderr and answers the exit code. */
export function report(thrown: unknown): number {
  // what the host says of a file that nobody asked to read: where the package itself lies, for one
  const error = FileError.from(thrown, (thrown as NodeJS.ErrnoException)?.path ?? 'file');
  // the kernel log of a run that faulted, in Linux's form
  if (error instanceof BpfError && error.oops) tell(`${error.oops.text}\n`);
  // clang's own words, with its colours
  if (error instanceof ClangError) {
    err.write(error.diagnostics);
    return say(error.summary);
  }
  if (isTyped(error)) return say(error.message);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`a defect of ebpf-emu, not of your input; please report it:\n${text}`);
  return 1;
}

function say(message: string): number {
  tell(`${paint.red('ebpf-emu:')} ${message}\n`);
  return 1;
}
