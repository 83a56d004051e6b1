/**
 * A recording of system calls, whatever tool wrote it: what {@link replay} plays to the kernel.
 * Times are nanoseconds from the recording's first line.
 */

/** One argument of a system call as the recording shows it. */
export type TraceArg =
  /** goes in a register as it is */
  | { readonly kind: 'value'; readonly value: bigint }
  /** bytes in user memory, NUL-terminated; the register holds their address */
  | { readonly kind: 'string'; readonly bytes: Uint8Array; readonly truncated: boolean }
  /** pointers to further arguments in user memory, ended by NULL: argv, envp */
  | { readonly kind: 'array'; readonly items: readonly TraceArg[] }
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
  readonly args: readonly TraceArg[];
  /** what it returned: -errno for failures; undefined where it never did (exit, exec that the recorder lost) */
  readonly result: bigint | undefined;
  /** ns since the first line at which it returned, where the recording tells */
  readonly end: number | undefined;
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

export type TraceEvent = SyscallEvent | SignalEvent | ExitEvent;

/** A line that could not be read; the rest is replayed. */
export interface TraceWarning {
  readonly line: number;
  readonly message: string;
}

export interface Trace {
  readonly events: readonly TraceEvent[];
  readonly warnings: readonly TraceWarning[];
}
