/** Coverage and cost of programs: held against the instructions that test runs count, the same on every engine, and off without a trace. */
import { describe, expect, it } from 'vitest';
import {
  assemble,
  BpfObject,
  Coverage,
  cobertura,
  collapsed,
  type EngineName,
  Kernel,
  lcov,
  pprof,
  profileText,
  summary,
} from '../../src/index.ts';
import { first } from '../support/depth.ts';

const ENGINES = first<EngineName>(1, ['jit', 'step', 'interp']);

async function opens(engine: EngineName = 'jit', { measured = true, profile = false, pids = [50, 51, 50, 50] } = {}) {
  const kernel = await Kernel.boot({ engine });
  if (measured) kernel.measure({ profile });
  const loaded = BpfObject.open('fixtures/opens.o').load(kernel);
  loaded.attach();
  for (const pid of pids) {
    const task = kernel.tasks.find(pid) ? undefined : kernel.task({ pid });
    const made = task ?? tasks.get(kernel)!.get(pid)!;
    if (!tasks.has(kernel)) tasks.set(kernel, new Map());
    tasks.get(kernel)!.set(pid, made);
    made.syscall('openat', { filename: '/tmp/x' }, { result: 3 });
  }
  return { kernel, loaded };
}
const tasks = new WeakMap<Kernel, Map<number, ReturnType<Kernel['task']>>>();

describe.each(ENGINES)('on engine %s', (engine) => {
  it('counts lines, functions and both ways of branches', async () => {
    const { kernel, loaded } = await opens(engine);
    const [file] = kernel.coverage.files;
    expect(file?.file).toBe('opens.c');
    const byText = new Map([...file!.text].map(([line, text]) => [text.trim(), file!.lines.get(line)]));
    expect(Object.fromEntries(byText)).toMatchObject({
      'n = bpf_map_lookup_elem(&counts, &pid);': 4,
      'if (n) {': 4,
      '__sync_fetch_and_add(n, 1);': 2,
      'bpf_map_update_elem(&counts, &pid, &one, BPF_NOEXIST);': 2,
      'bpf_printk("first open by pid %d", pid);': 2,
    });
    expect(file!.functions).toEqual([{ name: 'count_opens', line: expect.any(Number), hits: 4 }]);
    expect(file!.branches.map(({ ways }) => [...ways].sort())).toEqual([[2, 2]]);
    // the maps and what was traced are as without
    const plain = await opens(engine, { measured: false });
    expect([...loaded.maps['counts']!.entries()]).toEqual([...plain.loaded.maps['counts']!.entries()]);
    expect(kernel.traced.replaceAll(/\d+\.\d+/g, '')).toBe(plain.kernel.traced.replaceAll(/\d+\.\d+/g, ''));
    expect(loaded.programs['count_opens']!.xlated).toEqual(plain.loaded.programs['count_opens']!.xlated);
  });

  it('counts in functions that use all of the stack, and leaves their stack alone', async () => {
    const kernel = await Kernel.boot({ engine });
    const { insns } = assemble(`
      *(u64 *)(r10 -512) = 5
      r6 = 3
    again:
      r1 = *(u64 *)(r10 -512)
      r1 += r6
      *(u64 *)(r10 -512) = r1
      r6 += -1
      if r6 != 0 goto again
      r0 = *(u64 *)(r10 -512)
      exit`);
    const load = () => kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' });
    const before = load().testRun({ dataIn: new Uint8Array(64) });
    kernel.measure();
    const run = load().testRun({ dataIn: new Uint8Array(64) });
    expect([run.insns, run.r0]).toEqual([before.insns, 11n]);
    expect(kernel.profile).toMatchObject([{ insns: run.insns }]);
  });

  it('counts as many instructions as a test run does', async () => {
    const kernel = await Kernel.boot({ engine });
    const { insns } = assemble(`
      r6 = 10
      r0 = 0
    again:
      r0 += 2
      if r0 s> 6 goto high
      r7 = 1
      goto next
    high:
      call 7
      r7 = r0
      r0 = 100
    next:
      r6 += -1
      if r6 != 0 goto again
      exit`);
    const load = () => kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' });
    const before = load().testRun({ dataIn: new Uint8Array(64) });
    kernel.measure();
    const run = load().testRun({ dataIn: new Uint8Array(64) });
    expect([run.insns, run.r0]).toEqual([before.insns, before.r0]);
    expect(kernel.profile).toMatchObject([{ insns: run.insns }]);
  });
});

it('leaves out what the verifier found to be dead', async () => {
  const kernel = await Kernel.boot();
  kernel.measure();
  const loaded = BpfObject.open('fixtures/dead.o').load(kernel);
  loaded.programs['decide']!.testRun({ dataIn: new Uint8Array(64) });
  const [file] = kernel.coverage.files;
  const dead = [...file!.unreachable].map((line) => file!.text.get(line)?.trim());
  expect(dead).toEqual(['hits += 1000;']);
  expect(summary(kernel.coverage)).toMatch(/^dead\.c .*unreachable \d+$/m);
  expect(lcov(kernel.coverage)).not.toContain(`DA:${[...file!.unreachable][0]},`);
});

it('is lost neither with the program nor by going back in time, and adds up', async () => {
  const { kernel, loaded } = await opens();
  const mark = kernel.save();
  const hits = (of: Coverage) => of.files[0]!.functions[0]!.hits;
  expect(hits(kernel.coverage)).toBe(4);
  kernel.task({ pid: 60 }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });
  kernel.restore(mark);
  kernel.task({ pid: 61 }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });
  const mock = kernel.mock('bpf_map_lookup_elem', 0);
  kernel.task({ pid: 62 }).syscall('openat', { filename: '/tmp/x' }, { result: 3 });
  mock.restore();
  loaded.close();
  expect(hits(kernel.coverage)).toBe(7);
  const json = JSON.parse(JSON.stringify(kernel.coverage));
  expect(hits(Coverage.fromJSON(json).merge((await opens()).kernel.coverage))).toBe(11);
});

describe('reports', () => {
  it('are what lcov, Cobertura and people read', async () => {
    const { coverage } = (await opens('jit', { pids: [50] })).kernel;
    const tracefile = lcov(coverage, 'opens');
    const [FIRST, ADD] = ['first open', '__sync_fetch'].map(
      (text) => [...coverage.files[0]!.text].find(([, t]) => t.includes(text))![0],
    );
    expect(tracefile).toMatch(
      /^TN:opens\nSF:opens\.c\nFN:\d+,count_opens\nFNDA:1,count_opens\nFNF:1\nFNH:1\nBRDA:\d+,0,0,[01]\nBRDA:\d+,0,1,[01]\nBRF:2\nBRH:1\n/,
    );
    expect(tracefile).toContain(`DA:${FIRST},1\n`);
    expect(tracefile).toContain(`DA:${ADD},0\n`);
    expect(tracefile).toMatch(/\nLF:\d+\nLH:\d+\nend_of_record\n$/);
    expect(cobertura(coverage)).toMatch(
      /<line number="\d+" hits="1" branch="true" condition-coverage="50% \(1\/2\)"\/>/,
    );
    expect(summary(coverage)).toMatch(
      /^file +% lines +% functions +% branches +lines not executed\nopens\.c +[\d.]+ +100\.0 +50\.0 +\d/,
    );
  });

  it('of cost: beside the source, as a flame graph, for pprof', async () => {
    const { kernel } = await opens('jit', { profile: true });
    const costs = kernel.profile;
    expect(costs.flatMap((c) => c.helpers).map(({ name, calls }) => [name, calls])).toEqual(
      expect.arrayContaining([
        ['bpf_get_current_pid_tgid', 4],
        ['bpf_trace_printk', 2],
      ]),
    );
    const text = profileText(costs);
    expect(text).toMatch(/^count_opens, opens\.c\n +insns +% +helpers ns +line\n/);
    expect(text).toMatch(/\[bpf_trace_printk x2\]/);
    const stacks = collapsed(costs);
    expect(stacks).toMatch(/^count_opens;opens\.c:\d+;bpf_trace_printk 2$/m);
    const total = stacks
      .trim()
      .split('\n')
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
    expect(total).toBe(costs.reduce((sum, c) => sum + c.insns, 0));
    const bytes = pprof(costs);
    expect(new TextDecoder().decode(bytes)).toContain('helper_time');
    expect(bytes[0]).toBe(0x0a);
  });
});
