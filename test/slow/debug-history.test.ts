/** A session over a million events keeps to its history and reaches every moment. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { syscallNamed, type TraceStep } from '../../kernel-sim/index.ts';
import { Session } from '../../src/debug/index.ts';

const EVENTS = Number(process.env['HISTORY_EVENTS'] ?? 1_000_000);
const HISTORY = 16 << 20;

const number = (name: string): number => (syscallNamed(name) as { nr: number }).nr;
const encoder = new TextEncoder();

/** opens and closes, made as they are asked for, and again */
const steps = {
  *[Symbol.iterator](): IterableIterator<TraceStep> {
    const [openat, close] = [number('openat'), number('close')];
    for (let n = 0; n < EVENTS; n++) {
      const call = { kind: 'call' as const, pid: 42, time: n * 1000, unfinished: false };
      const path = { kind: 'string' as const, bytes: encoder.encode(`/tmp/${n % 500}`) };
      const int = (lo: number) => ({ kind: 'int' as const, lo, hi: lo < 0 ? -1 : 0 });
      if (n % 2 === 0) yield { ...call, nr: openat, name: 'openat', args: [int(-100), path, int(0)], result: int(3) };
      else yield { ...call, nr: close, name: 'close', args: [int(3)], result: int(0) };
    }
  },
};

it(`${EVENTS} events, there and back`, { timeout: 1_200_000 }, async () => {
  const session = await Session.open({
    object: readFileSync(new URL('../../fixtures/opens.o', import.meta.url)),
    name: 'opens.o',
    recording: { tasks: [{ pid: 42, comm: 'opener' }], steps },
    history: HISTORY,
  });
  await session.move({ kind: 'end' });
  const { count, calls } = session.stop;
  expect(calls).toBe(EVENTS);
  const { marks } = session.timeline;
  expect(marks.bytes).toBeLessThanOrEqual(HISTORY);
  expect(marks.size).toBeGreaterThan(20);
  // the newest are the closest
  const gaps = marks.counts.slice(1).map((c, n) => c - (marks.counts[n] as number));
  expect(Math.max(...gaps.slice(-5))).toBeLessThanOrEqual(Math.max(...gaps));
  for (let n = 1; n <= 5; n++)
    expect((await session.move({ kind: 'step', unit: 'x86', back: true })).count).toBe(count - n);
  const opens = session.evaluate('counts[42]').bits;
  expect(opens).toBe(BigInt(EVENTS / 2));
  await session.move({ kind: 'goto', count: Math.floor(count / 3) });
  const third = session.evaluate('counts[42]').bits;
  expect(Number(third)).toBeGreaterThan(EVENTS / 6 - 100);
  expect(Number(third)).toBeLessThan(EVENTS / 6 + 100);
  await session.move({ kind: 'end' });
  expect([session.stop.count, session.evaluate('counts[42]').bits]).toEqual([count, opens]);
  expect(marks.bytes).toBeLessThanOrEqual(HISTORY);
  session.close();
});
