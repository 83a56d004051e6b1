/** Sleeps of a command whose time is the events': what would have happened meanwhile happens at once. */
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import type { SharedClock } from '../clock.ts';
import type { Outcome } from '../outcome.ts';
import type { Call, Handler } from './call.ts';

const TIMER_ABSTIME = 1;
const SECOND = 1_000_000_000;

/** `struct timespec`, in ns */
function interval(call: Call, at: number): number | undefined {
  const bytes = call.process.memory.read(at, 16);
  if (!bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Number(view.getBigInt64(0, true)) * SECOND + Number(view.getBigInt64(8, true));
}

/** ns that a clock has passed, by its number (clock_gettime(2)) */
const CLOCKS: Readonly<Record<number, (clock: SharedClock) => number>> = {
  0: (clock) => clock.realtime,
  1: (clock) => clock.monotonic,
  7: (clock) => clock.monotonic,
  8: (clock) => clock.realtime,
  9: (clock) => clock.monotonic,
  11: (clock) => clock.realtime,
};

async function sleep(call: Call, at: number, since = 0): Promise<Outcome> {
  const until = interval(call, at);
  if (until === undefined) return -ERRNO.EFAULT;
  const ns = until - since;
  if (ns <= 0) return 'host';
  const slept = call.door.sleep(ns, call.tid);
  return slept !== undefined && (await slept) ? 0 : 'host';
}

export const SLEEPS = {
  nanosleep: (call) => sleep(call, call.at(0)),
  // Python sleeps until a point in time; where that is left to the host, the supervisor turns it into one of the host's
  clock_nanosleep: (call) => {
    if (!(call.int(1) & TIMER_ABSTIME)) return sleep(call, call.at(2));
    const clock = CLOCKS[call.int(0)];
    return clock ? sleep(call, call.at(2), clock(call.door.clock)) : 'host';
  },
} satisfies Record<string, Handler>;
