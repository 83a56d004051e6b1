/** Who wrote something: the last instruction in front of a moment behind which it was another. */
import { host } from '../../platform/index.ts';
import type { Timeline, TravelOptions } from './timeline.ts';

export interface Written {
  /** the moment of the instruction that wrote; the session stands in front of it */
  readonly count: number;
  readonly before: string;
  readonly after: string;
}

/** instructions of the coarse look; a value that changes and changes back within so many is looked at as one that stayed */
const COARSE = 256;

/** Goes back to it. `look` tells what is watched, as text; undefined: it was so from the start on, and time stands there. */
export async function whoWrote(
  timeline: Timeline,
  look: () => string,
  options: TravelOptions,
): Promise<Written | undefined> {
  const now = timeline.count;
  const after = look();
  for (let until = now; until > 0; ) {
    const from = timeline.marks.before(until - 1)?.count ?? 0;
    const last = await lastChange(timeline, look, from, until, after, options);
    if (last !== undefined) {
      await timeline.goto(last.count, options);
      return { ...last, after };
    }
    until = from;
    await host.turn();
    options.onProgress?.({ count: until });
    if (options.signal?.aborted) break;
  }
  await timeline.goto(options.signal?.aborted ? now : 0);
  return undefined;
}

/** In (from, until]: the last instruction behind which it was as it is at `until`, and in front of which it was not. */
async function lastChange(
  timeline: Timeline,
  look: () => string,
  from: number,
  until: number,
  after: string,
  options: TravelOptions,
): Promise<{ readonly count: number; readonly before: string } | undefined> {
  await timeline.goto(from, options);
  let chunk: number | undefined;
  for (let at = from; at < until; at = timeline.count) {
    if (look() !== after) chunk = at;
    if ((await timeline.forward(Math.min(until, at + COARSE), undefined, options)) === 'end') break;
  }
  if (chunk === undefined) return undefined;
  await timeline.goto(chunk, options);
  let found: { count: number; before: string } | undefined;
  const end = Math.min(until, chunk + COARSE);
  for (let before = look(); timeline.count < end; ) {
    const count = timeline.count;
    if ((await timeline.forward(count + 1, undefined, options)) === 'end') break;
    const is = look();
    if (is === after && before !== after) found = { count, before };
    before = is;
  }
  return found;
}
