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

async function sleep(call: Call, at: number): Promise<Outcome> {
  const ns = interval(call, at);
  if (ns === undefined) return -ERRNO.EFAULT;
  const slept = call.door.sleep(ns);
  if (!slept) return 'host';
  await slept;
  return 0;
}

export const SLEEPS = {
  nanosleep: (call) => sleep(call, call.at(0)),
  // a point in time is one of the host's clock
  clock_nanosleep: (call) => (call.int(1) & TIMER_ABSTIME ? 'host' : sleep(call, call.at(2))),
} satisfies Record<string, Handler>;
