/** A recording of system calls, as the kernel replays it. `src/replay` makes these from strace's text. */
import type { TraceArg, UserCall } from '../task/user-call.ts';

export type { TraceArg, UserFrame } from '../task/user-call.ts';

export interface TraceCall extends UserCall {
  readonly kind: 'call';
  readonly pid: number;
  /** ns from the recording's start */
  readonly time: number;
  /** its return was recorded later, behind other lines: {@link TraceReturn}; it waits until then */
  readonly unfinished: boolean;
  /** `__state` in which it waits, where the recording tells */
  readonly sleeps?: number;
}
/** An unfinished call returns. */
export interface TraceReturn {
  readonly kind: 'return';
  readonly pid: number;
  readonly time: number;
  /** the call as it is known now, with its result and what it filled, where it was given before that was known */
  readonly call?: TraceCall;
}
/** A task that no call of the recording creates: it was there before, and is seen for the first time now. */
export interface TraceAppears {
  readonly kind: 'task';
  readonly pid: number;
  readonly time: number;
  readonly comm: string;
}
/** A task ends without a call of its own (killed by a signal, or its thread group exited). */
export interface TraceEnd {
  readonly kind: 'end';
  readonly pid: number;
  readonly time: number;
  /** wait status */
  readonly status: number;
}
/** A task executes the program that it has: everything it does until it exits is its own. */
export interface TraceRun {
  readonly kind: 'run';
  readonly pid: number;
  readonly time: number;
}
/** A task enters a function of its user space, or returns from it. */
export interface TraceFunction {
  readonly kind: 'enter' | 'leave';
  readonly pid: number;
  readonly time: number;
  readonly func: string;
  /** the mapped file that it is in, where the recording tells: a path, or its last part */
  readonly file?: string;
  /** as they are when it is entered */
  readonly args?: readonly TraceArg[];
  /** what it returns */
  readonly result?: TraceArg;
}
/** A task stops running without a call of its own that says why: it waits for something. */
export interface TraceSleep {
  readonly kind: 'sleep';
  readonly pid: number;
  readonly time: number;
  /** `__state`: 1 interruptible, 2 not */
  readonly state: number;
}
/** A task runs from here on. */
export interface TraceRuns {
  readonly kind: 'runs';
  readonly pid: number;
  readonly time: number;
}
/** Something else happens: an event by its tracepoint's name, and its fields as they are printed. */
export interface TraceEvent {
  readonly kind: 'event';
  /** the task that runs; 0: none does */
  readonly pid: number;
  readonly time: number;
  readonly event: string;
  readonly fields: Readonly<Record<string, string>>;
  /** of an interrupt or softirq: when what it does is done, and when it ends, as {@link time} */
  readonly done?: number;
  readonly ends?: number;
}
type Kinds =
  | TraceFunction
  | TraceAppears
  | TraceCall
  | TraceReturn
  | TraceEnd
  | TraceRun
  | TraceSleep
  | TraceRuns
  | TraceEvent;
/** `cpu`: where it happens, in recordings that tell */
export type TraceStep = Kinds & { readonly cpu?: number };

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

/** Where a replay takes its steps from, one after the other: a recording that is read, perhaps while it is still being made. */
export interface StepSource {
  /** steps given so far */
  readonly position: number;
  /** wall clock of time 0, ns since 1970, where the recording has it; known when the first step is given */
  readonly startRealtime: bigint | undefined;
  /** The step that comes next, 'wait' where it has not arrived yet, undefined at the end. */
  next(): TraceStep | 'wait' | undefined;
  /** Fulfilled when {@link next} may have another answer than 'wait'. */
  ready(): Promise<void>;
  /**
   * Goes back, or on, to where `position` steps were given.
   * @throws KernelError ESPIPE for what cannot be read again
   */
  seek(position: number): Promise<void>;
  /** Ends reading: files are closed, a command that makes the recording is told. */
  close(): void;
}
