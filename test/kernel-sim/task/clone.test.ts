/** Flags of clone that a recording tells only in a register. */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { recordingOf } from '../../../src/replay/index.ts';

it('a clone of a new user namespace of which no child is told makes none', async () => {
  const kernel = await Kernel.boot();
  const line = 'bash-353 [000] ..... 48.3: sys_enter: NR 56 (12000119999999999999999999999999999999, 0, 0, 0, 0, 0)\n';
  expect((await kernel.replay(recordingOf(new TextEncoder().encode(line)))).oopses).toEqual([]);
});
