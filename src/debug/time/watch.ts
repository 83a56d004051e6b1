/** Watchpoints: time is gone along in short pieces, and the piece in which something happened by the instruction. */
import type { Breakpoint } from '../breakpoints/types.ts';
import type { SessionContext } from '../session/context.ts';
import { anyOf } from '../session/plan.ts';
import type { Stops, TravelOptions } from './timeline.ts';
import { type Watcher, watchersOf } from './watchers.ts';

/** instructions of one piece: what changes and changes back within one is not seen */
const PIECE = 256;

/** A watchpoint that stopped. */
export interface Seen {
  readonly point: Breakpoint;
  /** its value on the side that time came from, and on the other; undefined where it tells of accesses */
  readonly change: { readonly from: string; readonly to: string } | undefined;
}

/** The watchpoint that stops first, or backwards last; undefined where another stop or the end came before. */
export async function watchMoving(
  session: SessionContext,
  points: readonly Breakpoint[],
  stops: Stops,
  back: boolean,
  options: TravelOptions,
): Promise<Seen | undefined> {
  const { all, accesses } = watchersOf(session, points);
  const { machine } = session.kernel;
  // with a breakpoint somewhere nothing is translated
  const stepped: Stops = { addresses: new Set([machine.haltAddress]), hit: () => false };
  accesses?.arm();
  try {
    const watched = new Watched(session, all, accesses === undefined ? undefined : stepped, options);
    return back ? await watched.backwards(stops) : await watched.forwards(stops);
  } finally {
    accesses?.disarm();
  }
}

class Watched {
  readonly #session: SessionContext;
  readonly #all: readonly Watcher[];
  readonly #stepped: Stops | undefined;
  readonly #options: TravelOptions;

  constructor(session: SessionContext, all: readonly Watcher[], stepped: Stops | undefined, options: TravelOptions) {
    this.#session = session;
    this.#all = all;
    this.#stepped = stepped;
    this.#options = options;
  }

  async forwards(stops: Stops): Promise<Seen | undefined> {
    const { timeline, breakpoints } = this.#session;
    const here = this.#stepped === undefined ? stops : anyOf(stops, this.#stepped);
    for (;;) {
      const from = timeline.count;
      this.#begin();
      const arrival = await timeline.forward(from + PIECE, here, this.#options);
      if (this.#fired(false) !== undefined) {
        const to = timeline.count;
        await timeline.goto(from, this.#options);
        while (timeline.count < to) {
          const which = await this.#step();
          if (which !== undefined && breakpoints.hitWatch(which.point.id, timeline.count, true)) return which;
        }
      }
      if (arrival !== 'count') return undefined;
    }
  }

  async backwards(stops: Stops): Promise<Seen | undefined> {
    const { timeline } = this.#session;
    const now = timeline.count;
    const last = await this.#last(now);
    await timeline.goto(now, this.#options);
    await timeline.backward(stops, this.#options);
    if (last === undefined || last.count < timeline.count) return undefined;
    await timeline.goto(last.count, this.#options);
    const { point, change } = last.which;
    return { point, change: change && { from: change.to, to: change.from } };
  }

  /** The last instruction in front of a moment that something happened by, in front of which it is to stand. */
  async #last(now: number): Promise<{ readonly count: number; readonly which: Seen } | undefined> {
    const { timeline, breakpoints } = this.#session;
    for (let until = now; until > 0; ) {
      // pieces begin where they always do: where marks are follows from how fast the host is
      const mark = timeline.marks.before(until - 1)?.count ?? 0;
      const from = Math.min(Math.ceil(mark / PIECE), Math.ceil(until / PIECE) - 1) * PIECE;
      await timeline.goto(from, this.#options);
      const pieces: number[] = [];
      for (let at = from; at < until; at = timeline.count) {
        this.#begin();
        const arrival = await timeline.forward(Math.min(until, at + PIECE), this.#stepped, this.#options);
        if (this.#fired(false) !== undefined) pieces.push(at);
        if (arrival === 'end' || arrival === 'interrupted') break;
      }
      // a piece may have been near only: then the one before it
      for (const piece of pieces.reverse()) {
        await timeline.goto(piece, this.#options);
        let last: { count: number; which: Seen } | undefined;
        for (const end = Math.min(until, piece + PIECE); timeline.count < end; ) {
          const { count } = timeline;
          const which = await this.#step();
          if (which !== undefined && breakpoints.hitWatch(which.point.id, timeline.count, false))
            last = { count, which };
          if (timeline.ended) break;
        }
        if (last !== undefined) return last;
      }
      if (this.#options.signal?.aborted) return undefined;
      until = from;
      this.#options.onProgress?.({ count: from });
    }
    return undefined;
  }

  #begin(): void {
    for (const w of this.#all) w.begin();
  }
  #fired(exact: boolean): Seen | undefined {
    const watcher = this.#all.find((w) => w.fired(exact));
    if (watcher === undefined) return undefined;
    const { point, before } = watcher;
    return { point, change: before === undefined ? undefined : { from: before, to: this.#session.watched(point.at) } };
  }
  async #step(): Promise<Seen | undefined> {
    const { timeline } = this.#session;
    this.#begin();
    await timeline.forward(timeline.count + 1, this.#stepped, this.#options);
    return this.#fired(true);
  }
}
