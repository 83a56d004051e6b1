/** What an event costs, from the user task's `syscall` to its return, with and without a program attached. */
import { fileURLToPath } from 'node:url';
import type { TraceStep } from '../../kernel-sim/index.ts';
import { BpfObject, Kernel } from '../../src/index.ts';
import { cpuTime, table } from './table.ts';

const OPENAT = 257;
const fixture = (name: string): string => fileURLToPath(new URL(`../../fixtures/${name}.o`, import.meta.url));

function* opens(count: number): Generator<TraceStep> {
  const path = Buffer.from('/etc/passwd\0');
  for (let i = 0; i < count; i++) {
    yield {
      kind: 'call',
      pid: 1000,
      time: i * 1000,
      nr: OPENAT,
      name: 'openat',
      args: [
        { kind: 'int', lo: -100, hi: -1 },
        { kind: 'string', bytes: path },
        { kind: 'int', lo: 0, hi: 0 },
      ],
      result: { lo: 3, hi: 0 },
      unfinished: false,
    };
  }
}

/** µs of CPU time per openat over `count` of them. */
async function perOpen(kernel: Kernel, count: number): Promise<number> {
  const start = cpuTime();
  await kernel.replay({ tasks: [{ pid: 1000, comm: 'cat' }], steps: opens(count) });
  const us = (cpuTime() - start) / count;
  kernel.tracePipe.read();
  return us;
}

async function attached(engine: 'jit' | 'step', names: readonly string[]): Promise<Kernel> {
  const kernel = await Kernel.boot({ engine });
  for (const name of names) BpfObject.open(fixture(name)).load(kernel).attach();
  return kernel;
}

export async function benchEvents(count: number): Promise<void> {
  console.log(`\n# events: µs of CPU time per openat() of a user task, steady state over ${count}`);
  const rows: string[][] = [];
  for (const [what, names] of [
    ['nothing attached', []],
    ['hello: kprobe, bpf_printk', ['hello']],
    ['opens: kprobe, hash map counter', ['opens']],
    ['opensnoop: ring buffer', ['opensnoop']],
  ] as const) {
    const row: string[] = [what];
    for (const engine of ['jit', 'step'] as const) {
      const kernel = await attached(engine, names);
      for (let i = 0; i < 3; i++) await perOpen(kernel, count);
      const insns = kernel.machine.insns;
      row.push((await perOpen(kernel, count)).toFixed(2));
      if (engine === 'step') row.push(String(Math.round((kernel.machine.insns - insns) / count)));
    }
    rows.push(row);
  }
  console.log(table(['', 'jit', 'step', 'instructions'], rows));
}

/** r0 = the packet's length, through data and data_end of the context. */
export async function benchRepeat(repeat: number): Promise<void> {
  console.log(`\n# prog run --repeat ${repeat}: µs of CPU time a run at 64 bytes`);
  const rows: string[][] = [];
  for (const engine of ['jit', 'step', 'interp'] as const) {
    const kernel = await Kernel.boot({ engine });
    const { programs } = BpfObject.open(fixture('xdp_count')).load(kernel);
    const program = Object.values(programs)[0]!.handle;
    const dataIn = new Uint8Array(64);
    const times = engine === 'jit' ? repeat : repeat / 20;
    program.testRun({ dataIn, repeat: times / 10 });
    const start = cpuTime();
    program.testRun({ dataIn, repeat: times });
    rows.push([engine, ((cpuTime() - start) / times).toFixed(2)]);
  }
  console.log(table(['xdp_count', 'µs'], rows));
}

export async function benchGrowth(most: number): Promise<void> {
  console.log('\n# growth: µs per openat with hello attached, and resident memory');
  const kernel = await attached('jit', ['hello']);
  const rows: string[][] = [];
  for (let total = 0, count = 1000; count <= most; count *= 10) {
    const us = await perOpen(kernel, count);
    total += count;
    rows.push([`${total} events`, us.toFixed(2), `${process.memoryUsage().rss >> 20} MiB`]);
  }
  for (const programs of [1, 50, 200]) {
    const other = await Kernel.boot({ engine: 'jit' });
    for (let i = 0; i < programs; i++) BpfObject.open(fixture('execs')).load(other).attach();
    BpfObject.open(fixture('hello')).load(other).attach();
    for (let i = 0; i < 3; i++) await perOpen(other, 2000);
    rows.push([`${programs} programs elsewhere`, (await perOpen(other, 20_000)).toFixed(2), '']);
  }
  console.log(table(['', 'µs', 'memory'], rows));
}
