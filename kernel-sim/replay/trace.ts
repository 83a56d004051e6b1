/** A recording of system calls, as the kernel replays it. `src/replay` makes these from strace's text. */

/** One argument of a recorded call. */
export type TraceArg =
  /** an integer, as the low and the high half */
  | { readonly kind: 'int'; readonly lo: number; readonly hi: number }
  /** a NUL-terminated string in user memory */
  | { readonly kind: 'string'; readonly bytes: Uint8Array }
  /** an array of strings (argv, envp), ended by a null pointer */
  | { readonly kind: 'strings'; readonly list: readonly Uint8Array[] }
  /** memory that the call reads, as bytes (a sockaddr, data written), or fills (`bytes` then says with what) */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** a pointer to something that the recording does not tell */
  | { readonly kind: 'opaque'; readonly text: string };

export interface TraceCall {
  readonly kind: 'call';
  readonly pid: number;
  /** ns from the recording's start */
  readonly time: number;
  readonly nr: number;
  readonly name: string;
  readonly args: readonly TraceArg[];
  /** what it returned, sign-extended; -errno for errors. undefined: it did not return (exit) */
  readonly result: { readonly lo: number; readonly hi: number } | undefined;
  /** its return was recorded later, behind other lines: {@link TraceReturn} */
  readonly unfinished: boolean;
  /** clone, clone3: flags that were given */
  readonly cloneFlags?: number;
}
/** An unfinished call returns. */
export interface TraceReturn {
  readonly kind: 'return';
  readonly pid: number;
  readonly time: number;
}
/** A task ends without a call of its own (killed by a signal, or its thread group exited). */
export interface TraceEnd {
  readonly kind: 'end';
  readonly pid: number;
  readonly time: number;
  /** wait status */
  readonly status: number;
}
export type TraceStep = TraceCall | TraceReturn | TraceEnd;

export interface TraceTask {
  readonly pid: number;
  readonly comm: string;
}

export interface Trace {
  /** tasks that exist when the recording starts */
  readonly tasks: readonly TraceTask[];
  readonly steps: Iterable<TraceStep>;
  /** wall clock of time 0, ns since 1970, where the recording has it */
  readonly startRealtime?: bigint;
}
