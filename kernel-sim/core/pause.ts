/** Host code that executes for long on the guest's behalf: how it gives the CPU back, and what it did meanwhile. */

/**
 * Why the machine stopped where a handler did not come to its end: rip is where it goes on, once whoever runs the
 * machine has looked at what else there is.
 */
export const PAUSED = 'paused';

/** What executes instructions that the machine does not count. */
export interface Executor {
  /** instructions so far */
  readonly executed: number;
  /** value of {@link executed} at which it stops */
  limit: number;
  /** asked in long runs whether to stop with {@link PAUSED} */
  onSlice: (() => boolean) | undefined;
}
