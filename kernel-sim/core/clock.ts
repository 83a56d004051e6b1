/**
 * Virtual time (Linux 6.12 Documentation/core-api/timekeeping.rst), in nanoseconds since boot.
 *
 * It moves where the recording says so (a syscall starts at its timestamp) and by a fixed step
 * each time somebody reads it, so that time differences are never zero and never depend on
 * which engine executes. A double holds 104 days of nanoseconds exactly.
 */

/** what one read of the clock is taken to cost */
const READ_NS = 100;

export class Clock {
  /** ns since boot, without moving */
  now: number;
  /** wall clock at boot, ns since 1970 */
  #bootRealtime: bigint;
  /** stepped by every {@link read} */
  constructor(startNs: number, bootRealtime: bigint) {
    this.now = startNs;
    this.#bootRealtime = bootRealtime;
  }
  /** CLOCK_MONOTONIC as ktime_get gives it; time moves on by the cost of reading. */
  read(): number {
    const t = this.now;
    this.now = t + READ_NS;
    return t;
  }
  /** CLOCK_REALTIME, ns since 1970 */
  realtime(): bigint {
    return this.#bootRealtime + BigInt(this.read());
  }
  /** The wall clock shows this now. */
  setRealtime(ns: bigint): void {
    this.#bootRealtime = ns - BigInt(this.now);
  }
  /** Moves to a time; never backwards. */
  advanceTo(ns: number): void {
    if (ns > this.now) this.now = ns;
  }
  advance(ns: number): void {
    this.now += ns;
  }
}
