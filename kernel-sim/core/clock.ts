/**
 * Virtual time (Linux 6.12 Documentation/core-api/timekeeping.rst), in nanoseconds since boot.
 *
 * It moves where the recording says so (a syscall starts at its timestamp) and by a fixed step
 * each time somebody reads it (`read` here, `ktime_get_mono_fast_ns` in kernel text), so that time differences are never zero and never depend on
 * which engine executes. A double holds 104 days of nanoseconds exactly.
 */

import { nanoseconds } from './duration.ts';

/** what one read of the clock is taken to cost, ns */
export const READ_NS = 100;
const U32 = 0x1_0000_0000;

/** a gap of the recording rings no more often than this: what repeats itself without end would never let it go on */
const MOST_RINGS = 1000;

/** Something that happens when time comes to it: a timer, a sample. */
export interface Alarm {
  /** ns since boot; infinite while nothing is due */
  readonly due: number;
  /** It is time. */
  ring(): void;
  /** A gap up to `ns` would have rung too often: the rest of it is passed over. */
  skip(ns: number): void;
}

export class Clock {
  /** in the order in which they ring where they are due together */
  readonly alarms: Alarm[] = [];
  readonly #words: Int32Array;
  readonly #at: number;
  /** wall clock at boot, ns since 1970 */
  #bootRealtime: bigint;
  /**
   * @param words guest memory, in which the time lies as a u64 where kernel text reads it
   * @param at index of its lower half
   */
  constructor(words: Int32Array, at: number, startNs: number, bootRealtime: bigint) {
    this.#words = words;
    this.#at = at;
    this.now = startNs;
    this.#bootRealtime = bootRealtime;
  }
  /** The time itself lies in guest memory. */
  save(): bigint {
    return this.#bootRealtime;
  }
  restore(bootRealtime: bigint): void {
    this.#bootRealtime = bootRealtime;
  }

  /** ns since boot, without moving */
  get now(): number {
    return (this.#words[this.#at]! >>> 0) + this.#words[this.#at + 1]! * U32;
  }
  set now(ns: number) {
    this.#words[this.#at] = ns;
    this.#words[this.#at + 1] = ns / U32;
  }
  /** CLOCK_MONOTONIC as ktime_get gives it; time moves on by the cost of reading. */
  read(): number {
    const t = this.now;
    this.now = t + READ_NS;
    return t;
  }
  /** CLOCK_REALTIME at boot, ns since 1970 */
  get bootRealtime(): bigint {
    return this.#bootRealtime;
  }
  /** CLOCK_REALTIME, ns since 1970 */
  realtime(): bigint {
    return this.#bootRealtime + BigInt(this.read());
  }
  /** The wall clock shows this now. */
  setRealtime(ns: bigint): void {
    this.#bootRealtime = ns - BigInt(this.now);
  }
  /** The alarm that is due first, up to `ns`. */
  dueBy(ns: number): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.alarms)
      if (alarm.due <= ns && alarm.due < (first?.due ?? Number.POSITIVE_INFINITY)) first = alarm;
    return first;
  }
  /** Time passes up to `ns`; what is due on the way happens at its time. Not where guest code cannot be interrupted. */
  pass(ns: number): void {
    for (let rings = 0; ; rings++) {
      const first = this.dueBy(ns);
      if (first === undefined) break;
      if (rings === MOST_RINGS) {
        for (const alarm of this.alarms) if (alarm.due <= ns) alarm.skip(ns);
        break;
      }
      this.advanceTo(first.due);
      first.ring();
    }
    this.advanceTo(ns);
  }
  /** Moves to a time; never backwards. */
  advanceTo(ns: number): void {
    if (ns > this.now) this.now = ns;
  }
  /**
   * So much time passes, and what is due on the way happens: timers of programs fire. `'5s'`, `'100ms'`, or nanoseconds.
   * @throws ArgumentError: no span of time
   */
  advance(duration: number | string): void {
    this.pass(this.now + nanoseconds(duration));
  }
}
