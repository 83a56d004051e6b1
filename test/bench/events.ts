/** What an event costs, from the user task's `syscall` to its return, with and without a program attached. */
import type { Kernel } from '../../src/index.ts';
import { attached, opens, replay } from './opens.ts';
import { cpuTime, type Group, median, type Row } from './report.ts';

const ENGINES = ['jit', 'step'] as const;
/** events of a round; rounds in front that do not count; rounds that do, of which the median is taken */
const COUNT = 20_000;
const WARM = { jit: 6, step: 2 } as const;
const ROUNDS = 7;

interface Case {
  readonly objects: readonly string[];
  /** trace_pipe is read line by line, as `ebpf-emu load` does */
  readonly read?: boolean;
}
const CASES: Readonly<Record<string, Case>> = {
  'nothing attached': { objects: [] },
  'hello: kprobe, bpf_printk': { objects: ['hello'] },
  'hello, each line read': { objects: ['hello'], read: true },
  'opens: kprobe, hash map counter': { objects: ['opens'] },
  'opensnoop: ring buffer read, bpf_printk': { objects: ['opensnoop'] },
};

/** µs of CPU time per openat. */
async function round(kernel: Kernel): Promise<number> {
  const start = cpuTime();
  await replay(kernel, opens(COUNT));
  return (cpuTime() - start) / COUNT;
}

export const events: Group = {
  title: 'events: µs of CPU time per openat() of a user task',
  columns: [...ENGINES.map((name) => ({ name, digits: 2 })), { name: 'instructions', digits: 0 }],
  parts: Object.keys(CASES),
  notes: [`median of ${ROUNDS} rounds of ${COUNT}, the engines in turn, after ${WARM.jit} rounds that do not count`],
  async run(part): Promise<Row[]> {
    const { objects, read } = CASES[part] as Case;
    let characters = 0;
    const booted = [];
    for (const engine of ENGINES) {
      const kernel = await attached(engine, objects);
      if (read)
        kernel.tracePipe.onLine((line) => {
          characters += line.length;
        });
      for (let i = 0; i < WARM[engine]; i++) await round(kernel);
      booted.push({ kernel, times: [] as number[] });
    }
    for (let i = 0; i < ROUNDS; i++) for (const { kernel, times } of booted) times.push(await round(kernel));
    if (read && characters === 0) throw new Error('no line came out of trace_pipe');
    const { kernel } = booted[1] as (typeof booted)[number];
    const before = kernel.machine.insns;
    await round(kernel);
    const insns = (kernel.machine.insns - before) / COUNT;
    return [{ name: part, values: [...booted.map(({ times }) => median(times)), insns] }];
  },
};
