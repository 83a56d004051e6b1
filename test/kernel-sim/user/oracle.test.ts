/**
 * Probes of user space held against the real kernel: the same static program ran there with the same objects attached,
 * and printed the same, in the same order, with the same flags (fixtures/user/*.trace are its trace_pipe).
 */
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../kernel-sim/index.ts';
import { first } from '../../support/depth.ts';
import { comparable, home, load, userFile, worldWith } from './world.ts';

/** offsets of twice, factorial and greeting in the file, with the cookies that they had there */
const PLACES = [0x13cn, 0x168n, 0x193n];
function attachMulti(kernel: Kernel): void {
  const { programs } = load(kernel, 'multi');
  const cookies = PLACES.map((_, n) => 0x100n + BigInt(n));
  for (const [name, flags] of [
    ['on_entry', 0],
    ['on_return', 1],
  ] as const)
    kernel.bpf.linkCreate({
      prog: programs[name]?.fd as number,
      attachType: 'trace_uprobe_multi',
      uprobeMulti: { path: home('steps'), offsets: PLACES, cookies, flags },
    });
}
const attachAll = (object: string) => (kernel: Kernel) => void load(kernel, object).attach();

describe.each(first(1, ['jit', 'step'] as const))('engine %s', (engine) => {
  it.each([
    ['uprobes', 'steps', attachAll('uprobes')],
    ['ustack', 'steps', attachAll('ustack')],
    ['usdt', 'probes', attachAll('usdt')],
    ['multi', 'steps', attachMulti],
  ] as const)('%s: the events of the real kernel', async (object, program, attach) => {
    const kernel = await worldWith({ engine });
    attach(kernel);
    const result = await kernel.replay(kernel.program({ path: home(program) }));
    expect(result).toMatchObject({ stopped: undefined, oopses: [] });
    const real = comparable(Buffer.from(userFile(`${object}.trace`)).toString());
    expect(real.length).toBeGreaterThan(6);
    expect(comparable(kernel.tracePipe.read())).toEqual(real);
  });
});
