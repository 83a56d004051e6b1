/** Programs that come across themselves: which runs are left out, and that they are counted, as Linux 6.12.117 counted them (fixtures/recursion.c). */
import { expect, it } from 'vitest';
import { BpfObject, Kernel, readStrace } from '../../../src/index.ts';

const object = new URL('../../../fixtures/recursion.o', import.meta.url).pathname;
/** what prog show had of it when a program set the host's name once, with the counters that the programs keep */
const LINUX = { calls: 0, itself: 2, probed: 4, outer: 2, inner: 2, nested: 0 };

it.each(['jit', 'interp'] as const)('a program that calls what it is attached to runs once (%s)', async (engine) => {
  const kernel = await Kernel.boot({ engine });
  const loaded = BpfObject.open(object).load(kernel);
  loaded.attach();
  await kernel.replay(readStrace('100 10:00:00.000000 sethostname("other", 5) = 0\n').trace);
  const misses = Object.entries(loaded.programs).map(([name, { handle }]) => [name, handle.prog.recursionMisses]);
  const bss = [...(loaded.maps['.bss']?.entries() ?? [])][0]?.[1] as Readonly<Record<string, bigint>>;
  expect({
    ...Object.fromEntries(misses),
    outer: Number(bss['outer']),
    inner: Number(bss['inner']),
    nested: Number(bss['nested']),
  }).toEqual(LINUX);
});
