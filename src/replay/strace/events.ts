/** What the lines of a strace recording say. Times are nanoseconds from the recording's first line. */

/** One argument of a system call as the recording shows it. */
export type StraceArg =
  /** goes in a register as it is */
  | { readonly kind: 'value'; readonly value: bigint }
  /** bytes in user memory, NUL-terminated; the register holds their address */
  | { readonly kind: 'string'; readonly bytes: Uint8Array; readonly truncated: boolean }
  /** pointers to further arguments in user memory, ended by NULL: argv, envp */
  | { readonly kind: 'array'; readonly items: readonly StraceArg[] }
  /** a structure that the recorder decoded: its text, behind a pointer */
  | { readonly kind: 'struct'; readonly text: string };

interface Base {
  /** 1-based line in the recording */
  readonly line: number;
  readonly pid: number;
  /** ns since the first line; undefined where the recording has no times */
  readonly time: number | undefined;
}

/** A system call from entry to return. */
export interface SyscallEvent extends Base {
  readonly kind: 'syscall';
  readonly name: string;
  readonly args: readonly StraceArg[];
  /** what it returned: -errno for failures; undefined where it never did (exit, exec that the recorder lost) */
  readonly result: bigint | undefined;
  /** ns since the first line at which it returned, where the recording tells */
  readonly end: number | undefined;
  /** line of its return, where other tasks' lines came between */
  readonly resumedLine: number | undefined;
}

/** A signal that was delivered. */
export interface SignalEvent extends Base {
  readonly kind: 'signal';
  readonly signal: string;
}

/** The end of a task. */
export interface ExitEvent extends Base {
  readonly kind: 'exit';
  readonly status: number | undefined;
  readonly signal: string | undefined;
}

export type StraceEvent = SyscallEvent | SignalEvent | ExitEvent;

/** A line that could not be read; the rest is replayed. */
export interface StraceWarning {
  readonly line: number;
  readonly message: string;
}

export interface Strace {
  readonly events: readonly StraceEvent[];
  readonly warnings: readonly StraceWarning[];
  /** wall clock of the first line, ns since 1970; undefined where the recording has no such times */
  readonly epoch: bigint | undefined;
}
