/** The debugger: sessions, their motions, breakpoints, expressions and views. No terminal is known here. */

export { parseBreakpoint } from './breakpoints/parse.ts';
export type { Breakpoint, BreakpointAt, BreakpointOptions, WatchAt } from './breakpoints/types.ts';
export { DebugError } from './error.ts';
export { type Child, childCount, childrenOf } from './expr/children.ts';
export { type MapElement, mapElements } from './expr/map-elements.ts';
export type { Value } from './expr/value.ts';
export type { Local } from './program/locals.ts';
export type { SourceLine } from './program/source.ts';
export type { VerifierStep } from './program/verifier-states.ts';
export { DebugPrompt } from './prompt/prompt.ts';
export { RefusedPrompt } from './prompt/refused.ts';
export {
  decodeSession,
  encodeSession,
  isSessionFile,
  type SavedBreakpoint,
  type SavedSession,
} from './record/session-file.ts';
export { alongChain, openOrRefused, Refused } from './refused/refused.ts';
export type { SessionContext, Shown, TraceLine } from './session/context.ts';
export { Session } from './session/session.ts';
export type * from './session/types.ts';
export { readMemory, writeMemory } from './target/memory.ts';
export { TARGET_REGISTERS, type TargetRegister } from './target/registers.ts';
export { symbolFile } from './target/symbol-file.ts';
export { savedRegisters, type TargetTask, tasksOf } from './target/tasks.ts';
export type { Change, TimedChange } from './time/changes.ts';
export { type BpfRow, type BpfView, bpfView } from './views/bpf.ts';
export { type CallRow, callsView } from './views/calls.ts';
export { type EventView, eventView } from './views/events.ts';
export { type JourneyStop, journeyView } from './views/journey.ts';
export { type LogView, logView } from './views/log.ts';
export { type MapEntry, type MapTable, mapsView } from './views/maps.ts';
export { momentView } from './views/moment.ts';
export { type PatchedInsn, type PatchRow, patchesView } from './views/patches.ts';
export { type ProgramRow, programsView } from './views/programs.ts';
export { type RegisterRow, type RegistersView, registersView } from './views/registers.ts';
export { type SourceRow, type SourceView, sourceView } from './views/source.ts';
export { type StackRow, stackView } from './views/stack.ts';
export { traceView } from './views/trace.ts';
export { type VerifierRow, type VerifierView, verifierView } from './views/verifier.ts';
export { type X86Options, type X86Row, type X86View, x86View } from './views/x86.ts';
