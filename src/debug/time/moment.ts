/** The first moment at which something holds that holds from then on: a time, a number of system calls. */
import { host } from '../../platform/index.ts';
import type { Arrival, Timeline, TravelOptions } from './timeline.ts';

/** instructions between two looks on the way there */
const COARSE = 1 << 16;

/** Goes there. 'end': it never holds, and time stands at the end; interrupted, where it came to. */
export async function toFirst(timeline: Timeline, holds: () => boolean, options: TravelOptions): Promise<Arrival> {
  for (const count of [...timeline.marks.counts].reverse()) {
    if (!holds()) break;
    await timeline.goto(count, options);
    await host.turn();
    if (options.signal?.aborted) return 'interrupted';
  }
  let before = timeline.count;
  while (!holds()) {
    before = timeline.count;
    const arrival = await timeline.forward(before + COARSE, undefined, options);
    if (arrival === 'interrupted') return arrival;
    if (arrival === 'end' && !holds()) return arrival;
  }
  // it does not hold at `before`, and does at `after`
  let after = timeline.count;
  while (after - before > 1) {
    const middle = (before + after) >>> 1;
    await timeline.goto(middle, options);
    // a place that cannot be stopped at is passed
    if (timeline.count >= after) break;
    if (holds()) after = timeline.count;
    else before = timeline.count;
  }
  return timeline.goto(after, options);
}
