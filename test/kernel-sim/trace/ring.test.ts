import { expect, it } from 'vitest';
import { Context } from '../../../kernel-sim/core/context.ts';
import { TraceRing } from '../../../kernel-sim/trace/ring.ts';
import { Random, testMachine } from '../../machine/support.ts';

/** The text of all events that wait, taken out. */
function drain(ring: TraceRing): string[] {
  const out: string[] = [];
  for (let event = ring.read(); event !== undefined; event = ring.read())
    out.push(
      `${event.pid} ${event.serial} ${new TextDecoder().decode(event.bytes.slice(event.from, event.from + event.length))}`,
    );
  return out;
}

it('a ring holds after a restore what it held, however full it was', () => {
  const { memory, machine } = testMachine();
  const context = new Context(memory, machine.cpu);
  const random = new Random(20_261_201);
  const ring = new TraceRing();
  let serial = 0;
  const push = (): void => {
    context.pid = random.below(1000);
    const text = new TextEncoder().encode(String.fromCharCode(97 + (serial % 26)).repeat(1 + random.below(900)));
    ring.push(text, text.length, context, serial, serial++);
  };
  // few, none, so many that it grows and comes round, and so many that the oldest go
  for (const [pushes, reads] of [
    [3, 1],
    [0, 99],
    [150, 100],
    [150, 20],
    [600, 500],
    [4000, 10],
  ] as const) {
    for (let n = 0; n < pushes; n++) push();
    for (let n = 0; n < reads; n++) ring.read();
    const mark = ring.save();
    const { length, lost } = ring;
    const held = drain(ring);
    expect(held).toHaveLength(length);
    for (let n = 0; n < random.below(3000); n++) push();
    ring.restore(mark);
    expect([ring.length, ring.lost]).toEqual([length, lost]);
    expect(drain(ring)).toEqual(held);
    ring.restore(mark);
  }
  expect(ring.lost).toBeGreaterThan(0);
});

it('what a mark of an empty ring keeps is nothing', () => {
  expect(new TraceRing().save().bytes).toHaveLength(0);
});
