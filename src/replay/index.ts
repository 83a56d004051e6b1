/** Recordings of real programs, played to the kernel model. */
export { parseStrace } from './strace/parse.ts';
export type { ExitEvent, SignalEvent, SyscallEvent, Trace, TraceArg, TraceEvent, TraceWarning } from './trace.ts';
