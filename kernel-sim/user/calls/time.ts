/** Clocks and sleeping: virtual time, which passes as long as the program says. */
import type { CallHandler, ProgramCall } from './call.ts';

const CLOCK = { REALTIME: 0, MONOTONIC: 1, REALTIME_COARSE: 5, TAI: 11 } as const;
const SECOND = 1_000_000_000n;
const TIMER_ABSTIME = 1;

const pair = (c: ProgramCall, at: number, first: bigint, second: bigint): number => {
  const { bytes, view } = c.view(16);
  view.setBigInt64(0, first, true);
  view.setBigInt64(8, second, true);
  if (at !== 0) c.write(at, bytes);
  return 0;
};
const now = ({ kernel }: ProgramCall, clock: number): bigint =>
  clock === CLOCK.REALTIME || clock === CLOCK.REALTIME_COARSE || clock === CLOCK.TAI
    ? kernel.clock.realtime()
    : BigInt(kernel.clock.read());
/** ns of a timespec */
function timespec(c: ProgramCall, at: number): bigint {
  const raw = c.read(at, 16);
  const view = new DataView(raw.buffer, raw.byteOffset);
  return view.getBigInt64(0, true) * SECOND + view.getBigInt64(8, true);
}
const sleep = (c: ProgramCall, ns: bigint): number => {
  if (ns > 0n) c.kernel.clock.pass(c.kernel.clock.now + Number(ns));
  return 0;
};

export const TIME_CALLS: Readonly<Record<string, CallHandler>> = {
  clock_gettime: (c) => {
    const t = now(c, c.int(0));
    return pair(c, c.long(1), t / SECOND, t % SECOND);
  },
  clock_getres: (c) => pair(c, c.long(1), 0n, 1n),
  gettimeofday: (c) => {
    const t = c.kernel.clock.realtime();
    return pair(c, c.long(0), t / SECOND, (t % SECOND) / 1000n);
  },
  time: (c) => {
    const seconds = c.kernel.clock.realtime() / SECOND;
    const { bytes, view } = c.view(8);
    view.setBigInt64(0, seconds, true);
    if (c.long(0) !== 0) c.write(c.long(0), bytes);
    return Number(seconds);
  },
  nanosleep: (c) => sleep(c, timespec(c, c.long(0))),
  clock_nanosleep: (c) => sleep(c, timespec(c, c.long(2)) - (c.int(1) & TIMER_ABSTIME ? now(c, c.int(0)) : 0n)),
};
