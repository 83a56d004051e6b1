/**
 * Looks for a schedule that goes wrong: all orders of the programs one after the other say which ends are right; then all
 * schedules with one switch in the middle of a program, with two, and so on (Qadeer and Musuvathi, "Iterative context
 * bounding for systematic testing of multithreaded programs", PLDI 2007). The first found has the fewest switches.
 */
import type { Kernel, ProgramThread } from '../../kernel-sim/index.ts';
import type { Point } from './points.ts';
import type { Schedule, Segment } from './schedule.ts';

export type Wrong =
  /** no order of the programs one after the other ends like this */
  | { readonly kind: 'lost update'; readonly state: readonly string[] }
  /** the program says so: its variable `assert_failed` is not 0 */
  | { readonly kind: 'assertion'; readonly value: string }
  /** each that has not ended waits for a lock of another one */
  | { readonly kind: 'deadlock' }
  | { readonly kind: 'fault'; readonly text: string };

export interface Finding {
  readonly wrong: Wrong;
  readonly schedule: Schedule;
  readonly switches: number;
}
export interface Verdict {
  readonly finding: Finding | undefined;
  /** schedules executed */
  readonly schedules: number;
  /** ends of the serial orders, each once */
  readonly serial: readonly (readonly string[])[];
  /** there were more schedules than were to be tried */
  readonly isPartial: boolean;
}

export interface RaceSetting {
  readonly kernel: Kernel;
  readonly threads: readonly ProgramThread[];
  /** by thread */
  readonly points: readonly ReadonlyMap<number, Point>[];
  /** what the programs leave, a line each; `assert_failed` where the object has it */
  end(): { readonly state: readonly string[]; readonly assertFailed: string | undefined };
}
/** switches in the middle of a program, and schedules, at most */
export interface Bounds {
  readonly switches: number;
  readonly schedules: number;
}

/** Enough schedules were executed. */
const ENOUGH = Symbol('enough');
type Outcome = Omit<Finding, 'switches'> | typeof ENOUGH | undefined;
interface Mark {
  readonly kernel: ReturnType<Kernel['save']>;
  readonly threads: readonly unknown[];
}

export class Explorer {
  readonly #setting: RaceSetting;
  readonly #bounds: Bounds;
  readonly #serial = new Map<string, readonly string[]>();
  #schedules = 0;
  #isPartial = false;

  constructor(setting: RaceSetting, bounds: Bounds) {
    this.#setting = setting;
    this.#bounds = bounds;
  }

  /** The kernel and the programs are afterwards as they were. */
  explore(): Verdict {
    const mark = this.#save();
    let finding: Finding | undefined;
    for (let switches = 0; switches <= this.#bounds.switches && finding === undefined; switches++) {
      for (let first = 0; first < this.#setting.threads.length && finding === undefined; first++) {
        const found = this.#go(first, [], switches, switches);
        this.#restore(mark);
        if (found === ENOUGH) this.#isPartial = true;
        else if (found) finding = { ...found, switches };
        if (found === ENOUGH) return this.#verdict(undefined);
      }
    }
    return this.#verdict(finding);
  }
  #verdict(finding: Finding | undefined): Verdict {
    const serial = [...this.#serial.values()];
    return { finding, schedules: this.#schedules, serial, isPartial: this.#isPartial };
  }

  #save(): Mark {
    const { kernel, threads } = this.#setting;
    return { kernel: kernel.save(), threads: threads.map((thread) => thread.save()) };
  }
  #restore(mark: Mark): void {
    const { kernel, threads } = this.#setting;
    kernel.restore(mark.kernel);
    threads.forEach((thread, n) => void thread.restore(mark.threads[n]));
  }

  /** From here on with `thread`, and `left` more switches that nothing forces, of `total`. */
  #go(thread: number, before: Schedule, left: number, total: number, blocked = 0): Outcome {
    const { threads, points } = this.#setting;
    const others = threads.flatMap((t, n) => (n === thread || t.ended ? [] : [n]));
    const current = threads[thread] as ProgramThread;
    const all = points[thread] as ReadonlyMap<number, Point>;
    for (let count = 0; ; count++) {
      const stop = current.run(all);
      if (stop.reason === 'fault') {
        const schedule = [...before, { thread, points: count + 1 }];
        return { wrong: { kind: 'fault', text: stop.text }, schedule };
      }
      if (stop.reason === 'spins') {
        if (blocked + 1 > others.length)
          return { wrong: { kind: 'deadlock' }, schedule: [...before, { thread, points: undefined }] };
        return this.#branch(others, [...before, { thread, points: undefined }], left, total, blocked + 1);
      }
      blocked = 0;
      if (stop.reason === 'end') {
        const schedule: Segment[] = [...before, { thread, points: undefined }];
        return others.length > 0 ? this.#branch(others, schedule, left, total, 0) : this.#check(schedule, total);
      }
      if (left === 0) continue;
      const found = this.#branch(others, [...before, { thread, points: count + 1 }], left - 1, total, 0);
      if (found) return found;
    }
  }
  /** Each of the others goes on, from the same state. */
  #branch(others: readonly number[], schedule: Schedule, left: number, total: number, blocked: number): Outcome {
    if (others.length === 0) return undefined;
    const mark = this.#save();
    for (const other of others) {
      const found = this.#go(other, schedule, left, total, blocked);
      this.#restore(mark);
      if (found) return found;
    }
    return undefined;
  }
  /** All have ended. */
  #check(schedule: Schedule, total: number): Outcome {
    this.#schedules++;
    const { state, assertFailed } = this.#setting.end();
    if (assertFailed !== undefined) return { wrong: { kind: 'assertion', value: assertFailed }, schedule };
    const key = state.join('\n');
    if (total === 0) this.#serial.set(key, state);
    else if (!this.#serial.has(key)) return { wrong: { kind: 'lost update', state }, schedule };
    return this.#schedules >= this.#bounds.schedules ? ENOUGH : undefined;
  }
}

/** What a thread did in a segment: the points that it came to. */
export interface Played {
  readonly segment: Segment;
  readonly points: readonly Point[];
  readonly ended: 'point' | 'end' | 'spins' | 'fault';
}

/** Executes a schedule, and stays there. A segment of a program that has ended is passed over. */
export function play({ threads, points }: RaceSetting, schedule: Schedule): readonly Played[] {
  /** where each was switched away from, in front of the point */
  const waiting = new Map<number, Point>();
  return schedule.flatMap((segment): Played[] => {
    const thread = threads[segment.thread];
    if (thread === undefined || thread.ended) return [];
    const all = points[segment.thread] as ReadonlyMap<number, Point>;
    const first = waiting.get(segment.thread);
    const seen: Point[] = first ? [first] : [];
    waiting.delete(segment.thread);
    for (let count = 1; ; count++) {
      const stop = thread.run(all);
      if (stop.reason !== 'point') return [{ segment, points: seen, ended: stop.reason }];
      const point = all.get(stop.at) as Point;
      if (count === segment.points) {
        waiting.set(segment.thread, point);
        return [{ segment, points: seen, ended: 'point' }];
      }
      seen.push(point);
    }
  });
}
