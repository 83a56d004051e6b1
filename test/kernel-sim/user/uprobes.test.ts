/** Uprobes in the model: where their breakpoints lie, who counts, what is refused. */
import { describe, expect, it } from 'vitest';
import type { Kernel, KernelError } from '../../../kernel-sim/index.ts';
import { insn, writeInsns } from '../../../src/isa/index.ts';
import { errno } from '../../support/errno.ts';
import { program as hooked } from '../support/programs.ts';
import { captured, comparable, home, load, worldWith } from './world.ts';

const STEPS = home('steps');
/** steps: sum begins at 0x141, twice at 0x13c, factorial at 0x168 */
const SUM = { path: STEPS, offset: 0x141 };

const kprobeProg = (kernel: Kernel): number =>
  kernel.bpf.progLoad({
    type: 'kprobe',
    license: 'GPL',
    insns: writeInsns([insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)]),
  }).fd;

/** Runs steps until it has made so many system calls. */
function halfWay(kernel: Kernel, calls: number) {
  const replay = kernel.replayer(kernel.program({ path: STEPS }));
  while (replay.calls < calls && replay.step(200).reason !== 'end');
  return replay;
}
const byteAt = (kernel: Kernel, at: number): number => {
  const maps = [...kernel.tasks.all()].find((task) => task.comm === 'steps')?.maps;
  return kernel.memory.u8[maps?.physical(at) ?? -1] as number;
};

describe('breakpoints', () => {
  it('lie on the page of a process that has the file, come with a probe and go with it', async () => {
    const kernel = await worldWith();
    const replay = halfWay(kernel, 2);
    expect(byteAt(kernel, 0x4001a2)).toBe(0x48);
    let hits = 0;
    // look() is called after the calls that were made
    const link = kernel.probes.uprobe(
      hooked(kernel, 'look', () => hits++),
      { path: STEPS, offset: 0x1a2 },
    );
    expect(byteAt(kernel, 0x4001a2)).toBe(0xcc);
    expect(link).toMatchObject({ kind: 'uprobe', via: 'int3', hits: 0, before: Uint8Array.of(0x48, 0x89, 0xfe) });
    const other = kernel.probes.uprobe(hooked(kernel, 'never'), { path: STEPS, offset: 0x20c });
    other.detach();
    expect(byteAt(kernel, 0x40020c)).toBe(0x55);
    while (replay.step().reason !== 'end');
    replay.finish();
    expect([hits, link.hits]).toEqual([1, 1]);
    link.detach();
  });

  it('are in every process that maps the file, or in one', async () => {
    const kernel = await worldWith();
    const seen: number[] = [];
    const sum = hooked(kernel, 'sum', () => seen.push(kernel.tasks.current.pid));
    kernel.probes.uprobe(sum, SUM);
    const all = kernel.perf.open({ type: 'uprobe', ...SUM });
    expect(all.event.attr.type).toBe('uprobe');
    await kernel.replay(kernel.program({ path: STEPS }));
    expect(seen).toEqual([1508, 1508, 1508]);
    // of another process: nobody's breakpoint
    kernel.probes.uprobe(hooked(kernel, 'other'), { path: STEPS, offset: 0x13c, tgid: 4242 });
    const replay = halfWay(kernel, 2);
    expect([byteAt(kernel, 0x400141), byteAt(kernel, 0x40013c)]).toEqual([0xcc, 0x48]);
    replay.finish();
  });

  it('a return probe sees what was jumped to and what calls itself, each return once', async () => {
    const kernel = await worldWith();
    const order: string[] = [];
    for (const [name, offset] of [
      ['factorial', 0x168],
      ['sum', 0x141],
    ] as const) {
      kernel.probes.uprobe(
        hooked(kernel, `in ${name}`, () => order.push(`> ${name}`)),
        { path: STEPS, offset },
      );
      const back = hooked(kernel, `out ${name}`, () => order.push(`< ${name}`));
      kernel.probes.uprobe(back, { path: STEPS, offset, ret: true });
    }
    await kernel.replay(kernel.program({ path: STEPS }));
    const three = ['> sum', '< sum', '> sum', '< sum', '> sum', '< sum'];
    expect(order).toEqual([...three, ...Array(4).fill('> factorial'), ...Array(4).fill('< factorial')]);
  });
});

describe('USDT semaphores', () => {
  it('count who looks, in the process that runs and in those that begin later', async () => {
    const kernel = await worldWith();
    const status: number[] = [];
    kernel.programs.ended.add((_pid, wait) => status.push(wait >> 8));
    await kernel.replay(kernel.program({ path: home('probes') }));
    const loaded = load(kernel, 'usdt');
    loaded.attach();
    await kernel.replay(kernel.program({ path: home('probes') }));
    expect(comparable(kernel.tracePipe.read()).at(-1)).toContain('late: 113');
    loaded.close();
    await kernel.replay(kernel.program({ path: home('probes') }));
    // it returns what its semaphore says
    expect(status).toEqual([0, 1, 0]);
  });
});

describe('what Linux refuses', () => {
  const refusal = async (act: (kernel: Kernel) => void): Promise<string> => {
    const kernel = await worldWith();
    try {
      act(kernel);
      return 'OK';
    } catch (error) {
      return (error as KernelError).errno;
    }
  };
  const multi =
    (uprobeMulti: object) =>
    (kernel: Kernel): void =>
      void kernel.bpf.linkCreate({
        prog: kernel.bpf.progLoad({
          type: 'kprobe',
          license: 'GPL',
          expectedAttachType: 'trace_uprobe_multi',
          insns: writeInsns([insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)]),
        }).fd,
        attachType: 'trace_uprobe_multi',
        uprobeMulti: { path: STEPS, offsets: [0x141n], ...uprobeMulti },
      });
  it.each([
    ['no such file', 'ENOENT', (k: Kernel) => void k.probes.uprobe(hooked(k, 'x'), { path: '/bin/none', offset: 0 })],
    ['beyond the end', 'EINVAL', (k: Kernel) => void k.probes.uprobe(hooked(k, 'x'), { path: STEPS, offset: 1 << 20 })],
    ['an odd counter', 'EINVAL', (k: Kernel) => void k.probes.uprobe(hooked(k, 'x'), { ...SUM, refCounter: 3 })],
    ['multi: no places', 'EINVAL', multi({ offsets: [] })],
    ['multi: flags', 'EINVAL', multi({ flags: 2 })],
    ['multi: cookies of another number', 'EINVAL', multi({ cookies: [1n, 2n] })],
    ['multi: no such process', 'ESRCH', multi({ pid: 4242 })],
    ['multi: no such file', 'ENOENT', multi({ path: '/bin/none' })],
  ])('%s: %s', async (_, code, act) => {
    expect(await refusal(act)).toBe(code);
  });

  it('a multi link that fails takes out what it had put in', async () => {
    const kernel = await worldWith();
    expect(errno(() => multi({ offsets: [0x141n, 0xffffffn] })(kernel))).toBe('EINVAL');
    const replay = halfWay(kernel, 2);
    expect(byteAt(kernel, 0x400141)).toBe(0x55);
    replay.finish();
  });

  it('links tell path, places and cookies', async () => {
    const kernel = await worldWith();
    const link = kernel.bpf.linkCreate({
      prog: kprobeProg(kernel),
      target: kernel.perf.open({ type: 'uprobe', ...SUM, ret: true }).fd,
      cookie: 7n,
    });
    expect(link.link.info()).toEqual({ type: 2, uprobe: { file_name: STEPS, offset: 0x141, cookie: 7n } });
  });
});

it('goes back in time and comes to the same events', async () => {
  const kernel = await worldWith();
  load(kernel, 'uprobes').attach();
  const { streams } = captured();
  const replay = kernel.replayer(kernel.program({ path: STEPS }, streams));
  let before = '';
  while (before === '') {
    replay.step(100);
    before = kernel.tracePipe.read();
  }
  const mark = kernel.save();
  const rest = (): string[] => {
    while (replay.step().reason !== 'end');
    return comparable(kernel.tracePipe.read());
  };
  const first = rest();
  kernel.restore(mark);
  expect(rest()).toEqual(first);
  expect(first.length).toBeGreaterThan(10);
  expect(comparable(before).length).toBeGreaterThan(0);
  replay.finish();
});
