/**
 * What happens in the kernel while the command waits: a replay goes on when a process is about to wait for its rings, reads
 * trace_pipe or sleeps, a slice at a time, and rests while what it made has not been read.
 */
import type { Replay } from '../../kernel-sim/replay/replay.ts';
import type { KernelClock, SharedClock } from './clock.ts';
import type { World } from './world.ts';

/** instructions between two looks at the command: fewer where they fill its rings */
const SLICE = { most: 400_000, first: 20_000, least: 2_000 } as const;
/** how full a ring may be for its reader to keep up, and from where on slices may be longer */
const FULL = { most: 1 / 4, little: 1 / 16 } as const;
/** ns: what is left of a longer sleep does not pass at the end of events */
const LONG = 3600e9;
/** ms until a reader that is behind is looked at again */
const REST = 2;
/** ms between looks at a command that has attached something and does not ask for events */
const LOOK_MS = 50;
/** looks, each after a rest, at which the command must be found waiting: then it has dealt with the last events */
const LOOKS = 3;

export interface EventsOptions {
  readonly clock: KernelClock;
  /** the clock as processes see it */
  readonly seen: SharedClock;
  /** whether anything is attached: before, nobody could see an event */
  readonly isWatched: () => boolean;
  /** virtual ns in a ns of the host's, where the events come at their times; without, time is what they make of it */
  readonly speed?: number | undefined;
  /** there are no more, what they made has been taken, and every thread of the command waits for more */
  readonly onEnd: () => void;
  /** they cannot go on: their source cannot be read */
  readonly onFail: (error: unknown) => void;
}

export class Events {
  readonly #open: () => Replay;
  readonly #worlds: ReadonlySet<World>;
  readonly #options: EventsOptions;
  #replay: Replay | undefined;
  #running: Promise<void> | undefined;
  #ended = false;
  #isClosed = false;
  /** virtual time up to which it runs; as far as there is anything, where somebody waits for events */
  #until = 0;
  /** looks for who waits in a call that is not seen, as in a lock of its own with a time limit */
  readonly #watch: NodeJS.Timeout;

  constructor(open: () => Replay, worlds: ReadonlySet<World>, options: EventsOptions) {
    this.#open = open;
    this.#worlds = worlds;
    this.#options = options;
    let looks = 0;
    this.#watch = setInterval(() => {
      if (this.#running !== undefined || this.#ended || !this.#options.isWatched() || !this.#isEverybodyWaiting())
        looks = 0;
      else if (++looks === LOOKS) this.wanted();
    }, LOOK_MS).unref();
  }
  get ended(): boolean {
    return this.#ended;
  }
  /** Somebody waits for events: they go on as far as there are any. */
  wanted(): void {
    if (!this.#ended) void this.#run(Number.POSITIVE_INFINITY);
  }
  /** What happens within so many ns, in which a thread sleeps: whether they have passed then; undefined where nothing happens. */
  pass(ns: number, tid: number): Promise<boolean> | undefined {
    if (this.#ended || !this.#options.isWatched()) return undefined;
    // a thread of a runtime's sleeps while others prepare: that is not yet the time
    if (this.#replay === undefined && ![...this.#worlds].every((world) => world.isWaitingBut(tid))) return undefined;
    const { speed, clock } = this.#options;
    if (speed === undefined) {
      const until = clock.now + ns;
      return this.#run(until).then(() => {
        // who waits for a signal is still asleep when there are no more events
        if (until - clock.now >= LONG) return false;
        clock.pass(until);
        return true;
      });
    }
    void this.#run(Number.POSITIVE_INFINITY);
    return new Promise((resolve) => setTimeout(resolve, ns / 1e6 / speed, true));
  }
  #run(until: number): Promise<void> {
    this.#until = Math.max(this.#until, until);
    this.#running ??= this.#slices()
      .catch((error) => {
        this.#ended = true;
        this.#options.onFail(error);
      })
      .finally(() => {
        this.#running = undefined;
      });
    return this.#running;
  }

  async #slices(): Promise<void> {
    const { clock, seen, speed } = this.#options;
    if (this.#replay === undefined) {
      seen.follow(speed);
      this.#replay = this.#open();
    }
    const replay = this.#replay;
    let slice: number = SLICE.first;
    while (clock.now < this.#until) {
      for (const world of this.#worlds) world.mirrors.pull();
      const { reason } = replay.step(slice);
      seen.sync();
      let fill = 0;
      for (const world of this.#worlds) fill = Math.max(fill, world.publish());
      if (fill > FULL.most) slice = Math.max(SLICE.least, slice / 4);
      else if (fill < FULL.little) slice = Math.min(SLICE.most, slice * 2);
      if (reason === 'end') {
        this.#ended = true;
        seen.lead();
        while (!this.#isTaken(true) || !(await this.#isRead())) await rest();
        void this.#end();
        return;
      }
      if (reason === 'wait') await replay.ready();
      while (!this.#isTaken(false)) await rest();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  #isEverybodyWaiting(): boolean {
    // each is asked, as each tells what it has done since
    return ![...this.#worlds].map((world) => world.isWaiting()).includes(false);
  }
  /** Whether readers have room for more, or have taken everything. */
  #isTaken(everything: boolean): boolean {
    let isTaken = true;
    for (const world of this.#worlds) {
      if (!world.streams.pump()) isTaken = false;
      if (world.publish() > (everything ? 0 : FULL.most)) isTaken = false;
    }
    return isTaken;
  }
  /** Tells of the end when nobody is busy with events any more. */
  async #end(): Promise<void> {
    for (let looks = 0; looks < LOOKS; ) {
      await rest();
      if (this.#isClosed) return;
      looks = !this.#isEverybodyWaiting() || !this.#isTaken(true) || !(await this.#isRead()) ? 0 : looks + 1;
    }
    this.#options.onEnd();
  }
  async #isRead(): Promise<boolean> {
    for (const world of this.#worlds) if (!(await world.streams.isEmpty())) return false;
    return true;
  }
  /** Ends the replay where it is. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#watch);
    this.#until = 0;
    this.#ended = true;
    this.#replay?.finish();
    this.#replay = undefined;
  }
}

const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, REST));
