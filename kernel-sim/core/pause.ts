/** Host code that executes for long on the guest's behalf: how it gives the CPU back, and what it did meanwhile. */
import { type Machine, MachineStop } from '../../src/machine/index.ts';

/** Why the machine stopped: a program of the interpreter's is to go on later. */
export const PAUSED = 'paused';
/** Why the machine stopped: the recording has no step yet. */
export const WAITING = 'waiting';

/** Why the machine stopped: a spin lock is held by another CPU, which must go on first. */
export const SPINS = 'spins';

/** Why the machine stopped: what comes is to be executed one instruction at a time. */
export const WATCHED = 'watched';

/** bytes of `vmcall` */
const VMCALL_BYTES = 3;

/**
 * Stops the machine in front of the hypercall that is being handled: whoever runs it goes on by making that call again,
 * for which eax must be what it was. Nothing may have been done yet that doing twice would do wrong.
 */
export function suspend(machine: Machine, why: string): never {
  machine.cpu.rip -= VMCALL_BYTES;
  machine.insns--;
  throw new MachineStop(why);
}

/** What executes instructions that the machine does not count. */
export interface Executor {
  /** instructions so far */
  readonly executed: number;
  /** value of {@link executed} at which it stops */
  limit: number;
  /** asked in long runs, each of them: whether to stop with {@link PAUSED} */
  readonly pausers: Set<() => boolean>;
  /** value of {@link Machine.executed} at which a program stops with {@link PAUSED}, where it can go on afterwards */
  pauseAt: number;
  /** Nobody goes on with what stopped with {@link PAUSED}. */
  abandon(): void;
}
