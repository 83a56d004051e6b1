/** The WebAssembly locals of a unit's function. */

/** Locals with a slot's run of pages. */
export interface Run {
  readonly start: number;
  readonly bytes: number;
  readonly delta: number;
}

/** Locals that every unit has; the first are its parameters. */
export interface Locals {
  readonly budget: number;
  readonly rsp0: number;
  readonly depth: number;
  readonly back: number;
  readonly backAt: number;
  /** weights so far; undefined where the unit has none */
  readonly marked: number | undefined;
  /** offset in memory of the frame's lowest byte */
  readonly frame: number;
  /** by slot; undefined where the unit does not use it */
  readonly runs: readonly (Run | undefined)[];
  readonly code: number;
  readonly over: number;
  readonly a: number;
  readonly b: number;
  readonly oa: number;
  readonly ob: number;
  /** extra budget that outer loops want: see {@link loopLevels} */
  readonly soft: number;
  readonly i64: number;
  readonly i32: number;
  readonly regs: readonly number[];
}
