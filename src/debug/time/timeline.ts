/**
 * Time of a replay as a line that one can go along in both directions: forwards by executing, with a mark now and then;
 * backwards from the mark in front. A moment is a count of instructions since the start.
 */

import { Listeners } from '../../../kernel-sim/core/listeners.ts';
import type { Kernel, Replay } from '../../../kernel-sim/index.ts';
import type { Addr } from '../../machine/addr.ts';
import { host } from '../../platform/index.ts';
import { DebugError } from '../error.ts';
import type { Change, Changes } from './changes.ts';
import { Marks } from './marks.ts';

/** ms between two marks, and between two looks at the host's event loop */
const SHORT = 12;
const LONG = 40;
const FIRST_INTERVAL = 2_000;
const LEAST_INTERVAL = 2_000;
const MOST_INTERVAL = 1 << 26;
/** instructions in front of where one goes back to that get a mark of their own */
const NEAR = 4000;

/** Addresses to stop at, and what to say there. */
export interface Stops {
  readonly addresses: ReadonlySet<Addr>;
  /** Whether to stop here. Asked in front of the instruction, with everything to look at and nothing to change. */
  hit(rip: Addr): boolean;
}

export interface TravelOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly count: number }) => void) | undefined;
}

/** Why {@link Timeline.forward} came back. */
export type Arrival = 'count' | 'stop' | 'end' | 'interrupted';

export class Timeline {
  readonly kernel: Kernel;
  readonly replay: Replay;
  readonly marks: Marks;
  readonly changes: Changes;
  /** told of the moment to which a mark took it back */
  readonly restored = new Listeners<[count: number]>();
  #interval = FIRST_INTERVAL;
  /** moment of the last mark that was made, kept or not */
  #marked = 0;
  /** it stands inside of what a handler has called: from here it cannot go on */
  #isInside = false;
  /** the end, once it was seen */
  #end: number | undefined;

  /** `replay` has started, and nothing has been executed. `history`: bytes that marks may take */
  constructor(kernel: Kernel, replay: Replay, history: number, changes: Changes) {
    this.kernel = kernel;
    this.replay = replay;
    this.changes = changes;
    this.marks = new Marks(kernel, history);
    changes.pass(0);
    this.marks.add(0);
  }

  /** Instructions since the start. */
  get count(): number {
    return this.replay.insns;
  }
  get ended(): boolean {
    return this.replay.ended;
  }
  /** The last moment, where it is known. */
  get end(): number | undefined {
    return this.#end;
  }

  /** Goes on to `target`, to where `stops` says so, or to the end. */
  async forward(target: number, stops: Stops | undefined, options: TravelOptions = {}): Promise<Arrival> {
    const from = this.count;
    // a place that cannot be left is passed again from the mark in front of it
    const silent = this.#isInside ? from : -1;
    if (this.#isInside) this.#restore(from);
    const { machine } = this.kernel;
    this.#arm(stops && { ...stops, hit: (rip) => this.count > silent && stops.hit(rip) });
    try {
      for (;;) {
        const here = this.count;
        if (here >= target) return 'count';
        // one that was made here may be gone already, for want of room
        const last = Math.max(this.#lastMark, this.#marked <= here ? this.#marked : 0);
        const mark = Math.max(here + 1, last + this.#interval);
        const started = host.now();
        const stop = this.#step(Math.min(target, mark), target);
        if (stop.reason === 'end') {
          this.#end = this.count;
          return 'end';
        }
        if (stop.inner) this.#isInside = true;
        if (stop.reason === 'breakpoint') return 'stop';
        if (stop.inner) continue;
        if (stop.reason === 'wait') await this.replay.ready();
        this.#pace(host.now() - started, this.count - here);
        if (this.count >= mark) this.#mark();
        if (this.count < target) {
          await host.turn();
          options.onProgress?.({ count: this.count });
          if (options.signal?.aborted) return 'interrupted';
        }
      }
    } finally {
      this.#disarm();
      machine.onBreakpoint = undefined;
    }
  }

  /** Goes to a moment, whichever side it is on. */
  async goto(count: number, options: TravelOptions = {}): Promise<Arrival> {
    if (count >= this.count && !(this.#isInside && count !== this.count))
      return this.forward(count, undefined, options);
    // who goes back mostly goes back further: a mark close by makes the next steps short
    const near = count - NEAR;
    if (near > this.#restore(count) + NEAR) {
      const arrival = await this.forward(near, undefined, options);
      if (arrival !== 'count') return arrival;
      if (!this.#isInside) this.#mark();
    }
    return this.forward(count, undefined, options);
  }

  /** The last moment in front of this one at which `stops` says so; goes there. 'count': there is none, and it stands at the start. */
  async backward(stops: Stops, options: TravelOptions = {}): Promise<Arrival> {
    const now = this.count;
    for (let until = now; until > 0; ) {
      const start = this.#restore(until - 1);
      const found = await this.#lastHit(stops, start, until, options);
      if (found === 'interrupted') return this.#interrupted(now);
      if (found !== undefined) {
        await this.goto(found, options);
        return 'stop';
      }
      until = start;
      options.onProgress?.({ count: start });
    }
    await this.goto(0, options);
    return 'count';
  }

  /** Sets something: nothing that came after this moment is true any more. @throws DebugError, BpfError */
  change(changes: readonly Change[]): void {
    this.changes.add(this.count, changes);
    this.#end = undefined;
    this.marks.forgetFrom(this.count);
    // a mark at this very moment is of before the change
    this.marks.forgetFrom(this.count - 1);
    if (!this.#isInside) this.marks.add(this.count);
  }
  /** What was set behind this moment is not set again. */
  forget(): void {
    this.changes.forgetBehind(this.count);
    this.#end = undefined;
    this.marks.forgetFrom(this.count);
  }
  /** Whether something may be set here: what follows a moment inside of a handler is reached from before it. */
  get canChange(): boolean {
    return !this.#isInside;
  }

  async #interrupted(now: number): Promise<Arrival> {
    await this.goto(now);
    return 'interrupted';
  }

  /** The last hit in [start, until), from where it stands at `start`. */
  async #lastHit(
    stops: Stops,
    start: number,
    until: number,
    { signal, onProgress }: TravelOptions,
  ): Promise<number | 'interrupted' | undefined> {
    let found: number | undefined;
    const { machine, cpu } = this.kernel;
    const { addresses } = stops;
    // the place where it stands is passed without a question
    if (addresses.has(cpu.rip) && stops.hit(cpu.rip)) found = start;
    this.#arm({
      addresses,
      hit: (rip) => {
        const count = this.count;
        if (count < until && stops.hit(rip)) found = count;
        return false;
      },
    });
    try {
      while (this.count < until) {
        const stop = this.#step(Math.min(until, this.count + this.#interval), until);
        if (stop.reason === 'end') break;
        if (stop.inner) {
          this.#isInside = true;
          break;
        }
        if (stop.reason === 'wait') await this.replay.ready();
        if (this.count < until) {
          await host.turn();
          onProgress?.({ count: this.count });
          if (signal?.aborted) return 'interrupted';
        }
      }
    } finally {
      this.#disarm();
      machine.onBreakpoint = undefined;
    }
    return found;
  }

  /** Executes to `to`, or to where something is set; not beyond `target`, even where that is inside of what a handler calls. */
  #step(to: number, target: number): ReturnType<Replay['step']> {
    const { machine } = this.kernel;
    const { innerLimit } = machine;
    const change = this.changes.next(this.count);
    const until = Math.min(to, change);
    if (until === target) machine.innerLimit = machine.executed + (target - this.count);
    try {
      const stop = this.replay.step(until - this.count);
      if (this.count === change && !stop.inner) this.changes.pass(change);
      return stop;
    } finally {
      machine.innerLimit = innerLimit;
    }
  }

  /** The last mark in front of a moment, its count. */
  #restore(count: number): number {
    const mark = this.marks.before(count);
    if (mark === undefined) throw new DebugError(`there is no moment ${count}`);
    this.kernel.restore(mark.kernel);
    this.#isInside = false;
    this.restored.tell(mark.count);
    return mark.count;
  }
  #mark(): void {
    this.#marked = this.count;
    this.marks.add(this.count);
  }
  get #lastMark(): number {
    return this.marks.before(this.count)?.count ?? 0;
  }

  #arm(stops: Stops | undefined): void {
    if (stops === undefined) return;
    const { machine } = this.kernel;
    for (const at of stops.addresses) machine.breakpoints.add(at);
    machine.onBreakpoint = (rip) => stops.hit(rip);
  }
  #disarm(): void {
    this.kernel.machine.breakpoints.clear();
  }

  /** How many instructions are between two marks follows from how long they take. */
  #pace(ms: number, insns: number): void {
    if (ms > LONG) this.#interval = Math.max(LEAST_INTERVAL, this.#interval >>> 1);
    else if (ms < SHORT && insns >= this.#interval) this.#interval = Math.min(MOST_INTERVAL, this.#interval * 2);
  }
}
