/**
 * The interface between the machine and what executes instructions: the stepping interpreter
 * (`exec/`) and, above it, translated code. Both leave the same state in CpuState at every exit.
 */
import type { Addr } from './addr.ts';
import type { Fault } from './fault.ts';

/** Why an executor gave the machine back. */
export const EXIT = {
  /** the limit is reached; rip is the next instruction */
  budget: 0,
  /** `hlt` executed; rip is behind it */
  halt: 1,
  /** `vmcall` executed; rip is behind it, eax has the number */
  vmcall: 2,
  /** an exception is in `fault`, not yet delivered; for a fault rip and registers are those before the instruction */
  fault: 3,
  /** `onTransfer` said so; rip is the target */
  hot: 4,
  /** rip is in the set of addresses to stop at; the instruction there is not executed */
  breakpoint: 5,
} as const;
export type Exit = (typeof EXIT)[keyof typeof EXIT];

export interface Stepper {
  /**
   * Executes at most `limit` instructions from `cpu.rip`. On return CpuState is complete (registers, rip, rflags).
   * A repeated string instruction counts once for each of its turns (exec/string.ts), between which the run may end; an
   * instruction that faults does not count. The first one is
   * executed even where it is an address to stop at.
   */
  run(limit: number): Exit;
  /** instructions completed by the last {@link run} */
  readonly executed: number;
  /** weights of the instructions that the last {@link run} began, as {@link Machine.mark} gives them */
  readonly marked: number;
  /** the exception of the last run that ended with {@link EXIT.fault} */
  readonly fault: Fault | undefined;
  /** Whether the kernel instruction at `va` has been executed here, as far as is remembered. */
  seen(va: Addr): boolean;
  /** Forget decoded instructions that overlap the range (any of their bytes). */
  invalidate(va: Addr, bytes: number): void;
  /**
   * `ask` is called after near calls, indirect jumps and taken backward jumps, with the target and how many transfers to it
   * it is to count; true ends the run with {@link EXIT.hot}. Direct ones are asked about the first time, and then once in `every`
   * or, where the last answer was true, each time.
   */
  onTransfer(ask: (target: Addr, times: number) => boolean, every: number): void;
}

/** What {@link Machine.run} came back with. */
export interface Stop {
  readonly reason: 'halt' | 'budget' | 'breakpoint' | 'fault' | 'stopped';
  /** reason 'fault': an exception that had no handler */
  readonly fault?: Fault;
  /** it happened in guest code that a hypercall's handler had called: the run cannot go on */
  readonly inner?: boolean;
  /** reason 'stopped': what the handler passed to MachineStop */
  readonly why?: unknown;
}
