/** The debugger: sessions, their motions, breakpoints, expressions and views. No terminal is known here. */
export type { Breakpoint, BreakpointAt, BreakpointOptions, WatchAt } from './breakpoints/types.ts';
export { DebugError } from './error.ts';
export type { SessionContext, Shown, TraceLine } from './session/context.ts';
export { Session } from './session/session.ts';
export type * from './session/types.ts';
