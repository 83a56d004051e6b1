/** The debugger: sessions, their motions, breakpoints, expressions and views. No terminal is known here. */
export type { Breakpoint, BreakpointAt, BreakpointOptions, WatchAt } from './breakpoints/types.ts';
export { DebugError } from './error.ts';
export { DebugPrompt } from './prompt/prompt.ts';
export type { SessionContext, Shown, TraceLine } from './session/context.ts';
export { Session } from './session/session.ts';
export type * from './session/types.ts';
export { type BpfRow, type BpfView, bpfView } from './views/bpf.ts';
export { type CallRow, callsView } from './views/calls.ts';
export { type EventView, eventView } from './views/events.ts';
export { type JourneyStop, journeyView } from './views/journey.ts';
export { type MapEntry, type MapTable, mapsView } from './views/maps.ts';
export { type RegisterRow, type RegistersView, registersView } from './views/registers.ts';
export { type SourceRow, type SourceView, sourceView } from './views/source.ts';
export { type StackRow, stackView } from './views/stack.ts';
export { traceView } from './views/trace.ts';
export { type VerifierRow, type VerifierView, verifierView } from './views/verifier.ts';
export { type X86Options, type X86Row, type X86View, x86View } from './views/x86.ts';
