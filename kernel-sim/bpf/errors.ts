/** Errors of bpf(2). */
import { type Errno, KernelError } from '../core/errno.ts';
import type { Oops } from '../fault/faults.ts';

/**
 * A bpf(2) command that failed, as the system call fails: `errno` is the error's name (`'EACCES'`), `log` what
 * the verifier or the BTF parser wrote, empty where neither was reached.
 */
export class BpfError extends KernelError {
  override readonly name: string = 'BpfError';
  readonly log: string;
  /** a test run that ended in a fault or was stopped: what the kernel log says of it */
  readonly oops: Oops | undefined;
  /** the command, as bpf(2) spells it */
  readonly command: string;
  constructor(command: string, errno: Errno, message: string, log = '', oops?: Oops) {
    super(errno, `${command}: ${errno}: ${message}`);
    this.command = command;
    this.log = log;
    this.oops = oops;
  }
}

/** Something that Linux has and this model does not: never answered with a guess. */
export class NotModelledError extends BpfError {
  override readonly name = 'NotModelledError';
  /** what is missing, by name */
  readonly what: string;
  constructor(command: string, what: string) {
    super(command, 'EOPNOTSUPP', `${what} is not modelled yet`);
    this.what = what;
  }
}
