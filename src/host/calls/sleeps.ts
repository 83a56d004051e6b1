/** Sleeps of a command whose time is the events': what would have happened meanwhile happens at once. */
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
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

/** ns that a clock of the host's has passed, by its number (clock_gettime(2)): those that C libraries sleep by */
const CLOCKS: readonly (() => number)[] = [() => Date.now() * 1e6, () => Number(process.hrtime.bigint())];

async function sleep(call: Call, at: number, since = 0): Promise<Outcome> {
  const until = interval(call, at);
  if (until === undefined) return -ERRNO.EFAULT;
  const ns = until - since;
  if (ns <= 0) return 'host';
  const slept = call.door.sleep(ns);
  return slept !== undefined && (await slept) ? 0 : 'host';
}

export const SLEEPS = {
  nanosleep: (call) => sleep(call, call.at(0)),
  // a point in time is one of the host's clock: Python sleeps so
  clock_nanosleep: (call) => {
    if (!(call.int(1) & TIMER_ABSTIME)) return sleep(call, call.at(2));
    const clock = CLOCKS[call.int(0)];
    return clock ? sleep(call, call.at(2), clock()) : 'host';
  },
} satisfies Record<string, Handler>;
