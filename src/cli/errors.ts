/** How errors reach the user: one line, and never a stack trace for what the input did. */

import { BpfError } from '../../kernel-sim/bpf/errors.ts';
import { EmuError } from '../errors/index.ts';
import { paint } from './style.ts';

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

const FILE_ERRORS: Record<string, string> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'a part of the path is not a directory',
};

/** Prints an error to stderr and answers the exit code. */
export function report(error: unknown): number {
  const file = error as NodeJS.ErrnoException;
  const why = file.syscall !== undefined ? FILE_ERRORS[file.code ?? ''] : undefined;
  if (why !== undefined) return say(`${file.path ?? 'file'}: ${why}`);
  // the kernel log of a run that faulted, in Linux's form
  if (error instanceof BpfError && error.oops) process.stderr.write(`${error.oops.text}\n`);
  if (isTyped(error)) return say(error.message);
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(`a defect of ebpf-emu, not of your input; please report it:\n${text}`);
  return 1;
}

function say(message: string): number {
  console.error(`${paint.red('ebpf-emu:')} ${message}`);
  return 1;
}
