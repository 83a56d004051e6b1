/**
 * Probes of user space held against the real kernel: the same static program ran there with the same objects attached,
 * and printed the same, in the same order, with the same flags (fixtures/user/*.trace are its trace_pipe).
 */
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../kernel-sim/index.ts';
import { first } from '../../support/depth.ts';
import { captured, comparable, home, load, userFile, worldWith } from './world.ts';

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

describe('bpf(2) and perf_event_open(2) of a program', () => {
  // fixtures/user/bpfcalls.out: what the real kernel gave the same program, and behind it what was in trace_pipe
  it('perf events count, sample, lose and tell as on the real kernel, and so do capabilities', async () => {
    const kernel = await worldWith();
    kernel.root.add(home('perfcalls'), userFile('perfcalls'), 0o755);
    const { streams, text } = captured();
    const result = await kernel.replay(
      kernel.program({ path: home('perfcalls'), argv: ['perfcalls', String(kernel.tasks.loader.pid)] }, streams),
    );
    expect(result).toMatchObject({ stopped: undefined, oopses: [] });
    expect(text(1)).toBe(Buffer.from(userFile('perfcalls.out')).toString());
  });
  // the slow suite tries every size: test/slow/lru.test.ts
  it('maps that evict have kept the keys that the real kernel kept', async () => {
    const sizes = 5;
    const kernel = await worldWith();
    kernel.root.add(home('lrucalls'), userFile('lrucalls'), 0o755);
    const { streams, text } = captured();
    await kernel.replay(kernel.program({ path: home('lrucalls'), argv: ['lrucalls', '1', String(sizes)] }, streams));
    const real = Buffer.from(userFile('lrucalls.out')).toString().split('\n');
    expect(text(1).trimEnd().split('\n')).toEqual(real.slice(0, 4 * sizes));
  });
  it.each(['jit', 'interp'] as const)('what the real kernel gave it, in its own memory (%s)', async (engine) => {
    const kernel = await worldWith({ engine });
    kernel.root.add(home('bpfcalls'), userFile('bpfcalls'), 0o755);
    const { streams, text } = captured();
    const result = await kernel.replay(kernel.program({ path: home('bpfcalls') }, streams));
    expect(result).toMatchObject({ stopped: undefined, oopses: [] });
    const real = Buffer.from(userFile('bpfcalls.out')).toString();
    expect(text(1)).toBe(real.slice(0, real.indexOf('        bpfcalls-')));
    expect(comparable(kernel.tracePipe.read())).toEqual(comparable(real));
    // all of it went with the process
    expect([kernel.bpf.nextId('prog'), kernel.bpf.nextId('map'), kernel.bpf.nextId('link')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(kernel.probes.patched).toEqual([]);
  });
});

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
