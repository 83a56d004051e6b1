/** The kernel model's public surface. */

export * from './bpf/index.ts';
export type { Pair } from './core/args.ts';
export { ERRNO, type Errno, errnoName, KernelError } from './core/errno.ts';
export type { FdObject } from './core/fds.ts';
export { BootError, type BootOptions, type EngineName } from './core/options.ts';
export { allEventFormats } from './data/event-formats.ts';
export { RELEASE, VERSION } from './data/release.ts';
export { type SyscallRow, syscallNamed, syscallNr, syscalls } from './data/syscalls.ts';
export type { ExtableEntry, Oops } from './fault/faults.ts';
export { Kernel, type KernelMark } from './kernel.ts';
export type { NetDevice } from './net/devices.ts';
export type { NetEvent } from './net/net.ts';
export type { PerfAttr, PerfEvent } from './probe/perf.ts';
export type { KprobePoint, ProbeKind, ProbeLink, ProgRef, TrampolinePoint } from './probe/types.ts';
export type { Moment, ReplayOptions } from './replay/drive.ts';
export { IMPLIED } from './replay/happenings.ts';
export type { ProgramRun } from './replay/program-trace.ts';
export type { Replay, ReplayResult, ReplayStop } from './replay/replay.ts';
export type {
  StepSource,
  Trace,
  TraceAppears,
  TraceArg,
  TraceCall,
  TraceEnd,
  TraceEvent,
  TraceFunction,
  TraceReturn,
  TraceRun,
  TraceRuns,
  TraceSleep,
  TraceStep,
  TraceTask,
  UserFrame,
} from './replay/trace.ts';
export type { KernelSymbol, SymbolAt } from './sym/symbol.ts';
export type { Task } from './task/task.ts';
export { eventNames as traceEvents } from './trace/formats.ts';
export type { ProgramStreams } from './user/user-files.ts';
