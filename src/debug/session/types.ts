/** What a debugger's session says and is told. docs/debugger.md tells how they belong together. */
import type { BootOptions, StepSource, Trace } from '../../../kernel-sim/index.ts';
import type { Addr } from '../../machine/addr.ts';
import type { Breakpoint } from '../breakpoints/types.ts';
import type { SourceLine } from '../program/source.ts';
import type { SavedBreakpoint } from '../record/session-file.ts';
import type { TimedChange } from '../time/changes.ts';

export type { SourceLine };

export interface SessionOptions {
  /** the object file's bytes, as clang wrote them */
  readonly object: Uint8Array;
  /** its name, for messages */
  readonly name: string;
  /** loads only these programs */
  readonly programs?: readonly string[];
  /** what is replayed; it must be one that can be read again */
  readonly recording: Trace | StepSource;
  readonly boot?: BootOptions;
  /** bytes of the recording as they were read, for {@link Session.record}; undefined: they are gone */
  readonly recordingBytes?: () => Uint8Array | undefined;
  /** set before anything runs; what is no place any more is passed over */
  readonly breakpoints?: readonly SavedBreakpoint[];
  /** what is set when time comes to its moment, as it was recorded */
  readonly changes?: readonly TimedChange[];
  /** writes a file of the host, for `record` at a prompt */
  readonly writeFile?: (file: string, bytes: Uint8Array) => void;
  /** bytes that marks may take, default 64 MiB */
  readonly history?: number;
  /** C sources by the name that the object's line information has; without one, lines are shown as that has them */
  readonly source?: (file: string) => string | undefined;
}

/** Which step is one step: a C line, a BPF instruction of the program as it runs, an x86 instruction. */
export type Unit = 'line' | 'bpf' | 'x86';

/** One move through time. Every one can be made backwards. */
export type Motion =
  /** into calls; outside of a program's image 'line' and 'bpf' go to where one is entered next */
  | { readonly kind: 'step'; readonly unit: Unit; readonly back?: boolean; readonly times?: number }
  /** over calls */
  | { readonly kind: 'next'; readonly unit: Unit; readonly back?: boolean; readonly times?: number }
  /** to where the current function returns to; backwards: to where it was called */
  | { readonly kind: 'finish'; readonly back?: boolean }
  /** to where a task comes to an address */
  | { readonly kind: 'until'; readonly address: Addr; readonly pid: number; readonly back?: boolean }
  /** to the next breakpoint, or the end */
  | { readonly kind: 'continue'; readonly back?: boolean }
  /** to the next station of the journey (see {@link Station}) */
  | { readonly kind: 'station'; readonly back?: boolean }
  /** to the next system call of a task */
  | { readonly kind: 'event'; readonly back?: boolean }
  /** to a count of instructions since the start of the recording */
  | { readonly kind: 'goto'; readonly count: number }
  /** to where so many system calls were made */
  | { readonly kind: 'call'; readonly calls: number }
  /** to where virtual time has come so far: ns since boot */
  | { readonly kind: 'time'; readonly ns: number }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' };

export interface MoveOptions {
  /** ends the motion where it is */
  readonly signal?: AbortSignal;
  /** told some dozen times a second during a long one */
  readonly onProgress?: (progress: { readonly count: number }) => void;
}

/** What kind of code an instruction belongs to. */
export type World = 'user' | 'entry' | 'kernel' | 'trampoline' | 'image' | 'helper';

/** Where the CPU is. */
export interface Place {
  readonly rip: Addr;
  readonly world: World;
  /** `do_sys_openat2+0x4`, `[user]` */
  readonly symbol: string;
  /** in an image: whose, which slot of the program as it runs, and the line that it belongs to */
  readonly program: string | undefined;
  readonly slot: number | undefined;
  readonly source: SourceLine | undefined;
}

/** A stage of the journey from a system call to a program and back, in the order in which they are passed. */
export type Station =
  | 'syscall'
  | 'entry'
  | 'function'
  | 'patch'
  | 'trampoline'
  | 'handler'
  | 'image'
  | 'helper'
  | 'return'
  | 'user';

/** Where a session stands, and why it stopped there. */
export interface Stop {
  readonly reason:
    | 'start'
    | 'step'
    | 'breakpoint'
    | 'watchpoint'
    | 'station'
    | 'event'
    | 'goto'
    | 'interrupted'
    | 'end'
    | 'begin';
  /** instructions executed since the recording's start: the coordinate of time */
  readonly count: number;
  /** virtual time, ns since boot */
  readonly time: number;
  /** system calls made so far */
  readonly calls: number;
  /** task that runs */
  readonly task: { readonly pid: number; readonly comm: string };
  readonly place: Place;
  /** where it stands on the journey */
  readonly station: Station | undefined;
  /** reason 'breakpoint' or 'watchpoint' */
  readonly breakpoint?: Breakpoint;
  /** reason 'watchpoint': the value on the side that time came from, and here; undefined where accesses are watched */
  readonly change?: { readonly from: string; readonly to: string } | undefined;
  /** lines that log points wrote on the way, in order */
  readonly logged: readonly string[];
}
