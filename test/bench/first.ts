/** What a process waits for before anything is warm: its first events, and its first ten million instructions. Each in a fresh process. */
import { execFileSync } from 'node:child_process';
import { BpfObject, type EngineName, Kernel } from '../../src/index.ts';
import { haveShared } from '../support/shared.ts';
import { attached, fixture, opens, replay } from './opens.ts';
import { instructions, sizes, workMemory } from './programs.ts';
import { cpuTime, type Group, median, type Row, threadTime } from './report.ts';

const PROCESSES = 5;
const EVENTS = [1000, 10_000];
const ENGINES = ['jit', 'step', 'interp'] as const;
const INSNS = 10e6;

/** ms of CPU time of a node that does nothing: what the others are compared with. */
function bare(): number {
  const script = 'const { user, system } = process.cpuUsage(); console.log(user + system)';
  return Number(execFileSync(process.execPath, ['-e', script]).toString()) / 1000;
}

/** ms of CPU time of all threads and of the main one while `work` runs. */
async function timed(work: () => unknown): Promise<[all: number, main: number]> {
  const [all, main] = [cpuTime(), threadTime()];
  await work();
  return [(cpuTime() - all) / 1000, threadTime() - main];
}

async function events(count: number): Promise<readonly number[]> {
  const kernel = await attached('jit', ['hello']);
  return timed(() => replay(kernel, opens(count)));
}

/** The size of lcg that is nearest, as if it were ten million. */
async function insns(engine: EngineName): Promise<readonly number[]> {
  const kernel = await Kernel.boot({ engine });
  const insns = instructions('sieve');
  const program = kernel.bpf.progLoad({ type: 'syscall', insns, license: 'GPL', verify: false });
  const near = (n: number): number => Math.abs(Math.log(n / INSNS));
  const size = sizes('sieve').reduce((a, b) => (near(b.insns) < near(a.insns) ? b : a));
  const ctxIn = workMemory('sieve', size.n);
  const times = await timed(() => program.testRun({ ctxIn }));
  return times.map((ms) => (ms * INSNS) / size.insns);
}

const CASES: Readonly<Record<string, () => Promise<readonly number[]>>> = {
  ...Object.fromEntries(EVENTS.map((n) => [`${n.toLocaleString('en')} openat() with bpf_printk`, () => events(n)])),
  ...(haveShared ? Object.fromEntries(ENGINES.map((e) => [`10 M instructions of sieve, ${e}`, () => insns(e)])) : {}),
};

export const first: Group = {
  title: 'first: ms of CPU time in a fresh process, boot and load not counted',
  columns: [
    { name: 'all threads', digits: 0 },
    { name: 'main thread', digits: 0 },
    { name: 'times node -e 0', digits: 2 },
  ],
  parts: Object.keys(CASES).flatMap((name) => Array.from({ length: PROCESSES }, (_, n) => `${name}:${n}`)),
  notes: [`medians of ${PROCESSES} processes; node -e 0 is timed beside each`],
  async run(part): Promise<Row[]> {
    const name = part.slice(0, part.lastIndexOf(':'));
    const [all, main] = (await CASES[name]!()) as [number, number];
    return [{ name, values: [all, main, all / bare()] }];
  },
  shown: (rows) =>
    Object.keys(CASES).map((name) => {
      const mine = rows.filter((r) => r.name === name);
      return { name, values: [0, 1, 2].map((i) => median(mine.map((r) => r.values[i] as number))) };
    }),
};

const STAGES = ['boot', 'object', 'verify, JIT', 'attach', 'first line', 'the rest'];

/** The stages of `load hello.o`, in a process whose code is compiled as it is needed. */
export const stages: Group = {
  title: 'start-up by stage: ms of the main thread, without the code cache that the command line has',
  columns: STAGES.map((name) => ({ name, digits: 1 })),
  parts: Array.from({ length: PROCESSES }, (_, n) => `process ${n + 1}`),
  async run(part): Promise<Row[]> {
    const at = [threadTime()];
    const kernel = await Kernel.boot({ engine: 'jit' });
    at.push(threadTime());
    const object = BpfObject.open(fixture('hello'));
    at.push(threadTime());
    const loaded = object.load(kernel);
    at.push(threadTime());
    loaded.attach();
    at.push(threadTime());
    await replay(kernel, opens(1));
    if (kernel.tracePipe.read() === '') throw new Error('no line came out of trace_pipe');
    at.push(threadTime());
    await replay(kernel, opens(100));
    at.push(threadTime());
    return [{ name: part, values: STAGES.map((_, i) => at[i + 1]! - at[i]!) }];
  },
  shown: (rows) => [
    { name: `median of ${PROCESSES}`, values: STAGES.map((_, i) => median(rows.map((r) => r.values[i] as number))) },
  ],
};
