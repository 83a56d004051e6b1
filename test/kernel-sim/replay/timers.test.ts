/** Callbacks of timers are kernel text like any other: a replay can be looked at, stopped and continued in the middle of one. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BpfObject, type EngineName, Kernel, readStrace } from '../../../src/index.ts';

it.each<EngineName>(['jit', 'step', 'interp'])('a callback that does not end is stopped in (%s)', async (engine) => {
  const kernel = await Kernel.boot({ engine });
  const loaded = BpfObject.open('fixtures/endless.o').load(kernel);
  loaded.attach();
  const replay = kernel.replayer(readStrace(readFileSync('fixtures/traces/python3.strace', 'utf8')).trace);
  const turns: unknown[] = [];
  for (let n = 1; n <= 3; n++) {
    expect(replay.step(200_000)).toMatchObject({ reason: 'budget' });
    expect(replay.insns).toBeLessThan(n * 201_000);
    turns.push(loaded.bss['turns']);
  }
  expect(new Set(turns).size).toBe(3);
  expect(replay.finish()).toMatchObject({ stopped: 'aborted', oopses: [] });
});
