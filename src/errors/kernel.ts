/** Errors of the kernel: an operation fails as its system call would, with an errno. */
import type { Explanation } from '../explain/explanation.ts';
import type { Addr } from '../machine/addr.ts';
import { EmuError, type ErrorDetails } from './base.ts';
import type { ErrorCode } from './codes.ts';
import type { Errno } from './errno.ts';

/** A fault in the kernel, as its log tells of it. */
export interface Oops {
  /** first line */
  readonly title: string;
  readonly rip: Addr;
  /** `symbol+0x12/0x34`, or `0x...` outside every function */
  readonly where: string;
  /** return addresses up the stack, symbolised */
  readonly callTrace: readonly string[];
  /** what dmesg shows */
  readonly text: string;
}

/** A kernel operation that failed as a system call fails; `errno` is what user space would see. */
export class KernelError extends EmuError {
  override readonly name: string = 'KernelError';
  readonly errno: Errno;
  constructor(errno: Errno, message: string, details: ErrorDetails = {}, code: ErrorCode = 'ERR_KERNEL') {
    super(code, message, details);
    this.errno = errno;
  }
}

/**
 * A bpf(2) command that failed, as the system call fails: `errno` is the error's name (`'EACCES'`), `log` what
 * the verifier or the BTF parser wrote, empty where neither was reached.
 */
export class BpfError extends KernelError {
  override readonly name: string = 'BpfError';
  /** the verifier's, whether a level was asked for or not */
  log: string;
  /** reads the log; whoever refused a program knows how */
  explainer: ((log: string) => Explanation) | undefined;
  /** bytes that the log took at its longest, which is what log_true_size tells */
  logLongest: number;
  /** a test run that ended in a fault or was stopped: what the kernel log says of it */
  readonly oops: Oops | undefined;
  /** the command, as bpf(2) spells it */
  readonly command: string;
  constructor(command: string, errno: Errno, message: string, log = '', oops?: Oops, code: ErrorCode = 'ERR_BPF') {
    super(errno, command === '' ? message : `${command}: ${errno}: ${message}`, { where: command }, code);
    this.command = command;
    this.log = log;
    this.logLongest = log.length;
    this.oops = oops;
  }
  /** What the verifier refused, as data: where, what it knew there, how that came about, what to do. undefined where it was not asked. */
  explain(): Explanation | undefined {
    return this.log === '' ? undefined : this.explainer?.(this.log);
  }
}

/** Something that Linux has and this model does not: never answered with a guess. */
export class NotModelledError extends BpfError {
  override readonly name = 'NotModelledError';
  /** what is missing, by name */
  readonly what: string;
  /** @param place what asks for it, in place of a command: an object and its program */
  constructor(command: string, what: string, place?: string) {
    const text = `${what} is not modelled yet`;
    super(
      place === undefined ? command : '',
      'EOPNOTSUPP',
      place === undefined ? text : `${place}: ${text}`,
      '',
      undefined,
      'ERR_NOT_MODELLED',
    );
    this.what = what;
  }
}
