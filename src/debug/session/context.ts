/** What the parts of a session, and its views, see of it. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import type { AttachedLink, LoadedObject } from '../../object/index.ts';
import type { Breakpoints } from '../breakpoints/breakpoints.ts';
import type { Breakpoint } from '../breakpoints/types.ts';
import type { SessionScope } from '../expr/scope.ts';
import type { Type, Value } from '../expr/value.ts';
import type { Locals } from '../program/locals.ts';
import type { Programs } from '../program/programs.ts';
import type { Change } from '../time/changes.ts';
import type { Timeline } from '../time/timeline.ts';
import type { Frame } from './frames.ts';
import type { Stations } from './stations.ts';
import type { SessionOptions, Stop } from './types.ts';
import type { Places } from './world.ts';

/** A line of trace_pipe and the moment it was written at. */
export interface TraceLine {
  readonly count: number;
  readonly text: string;
}

/** A value as it is shown. */
export interface Shown {
  readonly text: string;
  readonly bits: bigint;
  readonly type: Type;
  readonly typeName: string;
}

export interface SessionContext {
  readonly options: SessionOptions;
  readonly kernel: Kernel;
  readonly loaded: LoadedObject<Kernel>;
  /** what attaching gave, a link a program */
  readonly links: readonly AttachedLink[];
  readonly programs: Programs;
  readonly stations: Stations;
  readonly places: Places;
  readonly breakpoints: Breakpoints;
  readonly timeline: Timeline;
  readonly scope: SessionScope;
  /** variables of the function that runs */
  readonly locals: Locals;
  /** where it stands */
  readonly stop: Stop;
  /** registers where it stood before the last motion; undefined before the first */
  readonly registersBefore: readonly bigint[] | undefined;
  /** lines of trace_pipe up to here */
  readonly lines: readonly TraceLine[];
  /** the call stack, the innermost frame first */
  readonly frames: readonly Frame[];
  /** which of them names and panes are about: 0 after each motion */
  readonly selected: number;
  /** what a watchpoint watches, as text that differs where the value does */
  watched(what: Breakpoint['at']): string;
  /** @throws DebugError where it is no expression, or what it names is not there */
  evaluate(text: string): Shown;
  /** a value as it is shown */
  show(value: Value): Shown;
  /** what an address points to, in words: `counts[3]`, `task_struct of cat`, a symbol, a string */
  follow(at: bigint): string | undefined;
  /** reads by the kernel's own commands, which use its memory; leaves no trace of it */
  readonly peek: <T>(read: () => T) => T;
  /** sets registers, memory, values of maps; what came after this moment is another future then. @throws DebugError */
  change(changes: readonly Change[]): void;
}
