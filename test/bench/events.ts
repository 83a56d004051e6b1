/** What an event costs, from the user task's `syscall` to its return, with and without a program attached. */
import { readFileSync } from 'node:fs';
import type { Trace } from '../../kernel-sim/index.ts';
import type { Kernel } from '../../src/index.ts';
import { readStrace } from '../../src/replay/index.ts';
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
  /** so many tasks call in turn, so that each event is behind a task switch */
  readonly tasks?: number;
  /** what `ebpf-emu load` replays, again and again, in place of openat() */
  readonly recording?: true;
}
const CASES: Readonly<Record<string, Case>> = {
  'nothing attached': { objects: [] },
  'hello: kprobe, bpf_printk': { objects: ['hello'] },
  'hello, each line read': { objects: ['hello'], read: true },
  'opens: kprobe, hash map counter': { objects: ['opens'] },
  'opensnoop: ring buffer read, bpf_printk': { objects: ['opensnoop'] },
  'opens, two tasks in turn': { objects: ['opens'], tasks: 2 },
  'opens, six tasks in turn': { objects: ['opens'], tasks: 6 },
  'hello, the recording of python3 that ships': { objects: ['hello'], recording: true },
};

const recorded = (): Trace =>
  readStrace(readFileSync(new URL('../../fixtures/traces/python3.strace', import.meta.url), 'utf8')).trace;

/** µs of CPU time per openat, or per system call of the recording. */
async function round(kernel: Kernel, { tasks = 1, recording }: Case): Promise<number> {
  if (recording) {
    const trace = recorded();
    const calls = [...trace.steps].filter((s) => s.kind === 'call').length;
    const times = Math.ceil(COUNT / calls);
    const start = cpuTime();
    for (let i = 0; i < times; i++) await kernel.replay(trace);
    return (cpuTime() - start) / (times * calls);
  }
  const start = cpuTime();
  await replay(kernel, opens(COUNT, tasks), tasks);
  return (cpuTime() - start) / COUNT;
}

export const events: Group = {
  title: 'events: µs of CPU time per openat() of a user task',
  columns: [...ENGINES.map((name) => ({ name, digits: 2 })), { name: 'instructions', digits: 0 }],
  parts: Object.keys(CASES),
  notes: [`median of ${ROUNDS} rounds of ${COUNT}, the engines in turn, after ${WARM.jit} rounds that do not count`],
  async run(part): Promise<Row[]> {
    const what = CASES[part] as Case;
    const { objects, read } = what;
    let characters = 0;
    const booted = [];
    for (const engine of ENGINES) {
      const kernel = await attached(engine, objects);
      if (read)
        kernel.tracePipe.onLine((line) => {
          characters += line.length;
        });
      for (let i = 0; i < WARM[engine]; i++) await round(kernel, what);
      booted.push({ kernel, times: [] as number[] });
    }
    for (let i = 0; i < ROUNDS; i++) for (const { kernel, times } of booted) times.push(await round(kernel, what));
    if (read && characters === 0) throw new Error('no line came out of trace_pipe');
    const { kernel } = booted[1] as (typeof booted)[number];
    const before = kernel.machine.insns;
    await round(kernel, what);
    // of a recording, whose calls are not alike, that would say little
    const insns = what.recording ? undefined : (kernel.machine.insns - before) / COUNT;
    return [{ name: part, values: [...booted.map(({ times }) => median(times)), insns] }];
  },
};
