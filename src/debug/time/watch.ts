/** Watchpoints: time is gone along in short pieces, and the piece in which something changed by the instruction. */
import type { Breakpoint } from '../breakpoints/types.ts';
import type { SessionContext } from '../session/context.ts';
import type { Stops, TravelOptions } from './timeline.ts';
import { whoWrote } from './writer.ts';

/** instructions of one piece: what changes and changes back within one is not seen */
const PIECE = 256;

/** The watchpoint that something changed first, or backwards last; undefined where another stop or the end came before. */
export async function watchForwards(
  session: SessionContext,
  watched: readonly Breakpoint[],
  stops: Stops,
  back: boolean,
  options: TravelOptions,
): Promise<Breakpoint | undefined> {
  if (back) return watchBackwards(session, watched, stops, options);
  const { timeline } = session;
  const before = watched.map((w) => session.watched(w.at));
  for (;;) {
    const from = timeline.count;
    const arrival = await timeline.forward(from + PIECE, stops, options);
    const changed = watched.some((w, n) => session.watched(w.at) !== before[n]);
    if (changed) {
      const to = timeline.count;
      await timeline.goto(from, options);
      while (timeline.count < to) {
        await timeline.forward(timeline.count + 1, undefined, options);
        const which = watched.find((w, n) => session.watched(w.at) !== before[n]);
        if (which !== undefined) return which;
      }
    }
    if (arrival !== 'count') return undefined;
  }
}

async function watchBackwards(
  session: SessionContext,
  watched: readonly Breakpoint[],
  stops: Stops,
  options: TravelOptions,
): Promise<Breakpoint | undefined> {
  const { timeline } = session;
  const now = timeline.count;
  let last: { readonly count: number; readonly which: Breakpoint } | undefined;
  for (const which of watched) {
    await timeline.goto(now, options);
    const written = await whoWrote(timeline, () => session.watched(which.at), options);
    if (written !== undefined && (last === undefined || written.count > last.count))
      last = { count: written.count, which };
  }
  await timeline.goto(now, options);
  await timeline.backward(stops, options);
  if (last !== undefined && last.count >= timeline.count) {
    await timeline.goto(last.count, options);
    return last.which;
  }
  return undefined;
}
