/** The kernel model's public surface. */
export type { BootOptions, EngineName } from './core/options.ts';
export { BootError } from './core/options.ts';
export type { FdObject } from './core/fds.ts';
export { ERRNO, type Errno, errnoName, KernelError } from './errno.ts';
export type { ExtableEntry, Oops } from './fault/faults.ts';
export type { Kernel, Pair } from './kernel.ts';
export type { PerfAttr, PerfEvent } from './probe/perf.ts';
export type { KprobePoint, ProbeKind, ProbeLink, ProgRef, TrampolinePoint } from './probe/types.ts';
export type { Symbol, SymbolAt } from './sym/symbols.ts';
export type { Task } from './task/task.ts';
export { type SyscallRow, syscallNamed } from './data/syscalls.ts';
export type { Trace, TraceArg, TraceStep, TraceTask } from './workload/trace.ts';
