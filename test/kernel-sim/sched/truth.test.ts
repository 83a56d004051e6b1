/**
 * sleep and dd on a real kernel with two CPUs: fixtures/sched/commands.ftrace is what its ftrace recorded, commands.trace
 * what the programs beside it printed there meanwhile. The replay of the one prints the other: events, their arguments,
 * their order and context for each task, on its CPU. When ticks and other tasks of the machine's own came is not compared.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { openRecording } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';

const at = (name: string): URL => new URL(`../../../fixtures/sched/${name}`, import.meta.url);
const recording = fileURLToPath(at('commands.ftrace'));
/** tasks that the recording has from their fork on */
const forked = new Set(
  [...readFileSync(recording, 'utf8').matchAll(/sched_process_fork: .* child_pid=(\d+)/g)].map((m) => Number(m[1])),
);

interface Line {
  readonly pid: number;
  readonly cpu: number;
  /** without need-resched, which is the machine's affair */
  readonly flags: string;
  readonly text: string;
}
const lines = (trace: string): Line[] =>
  [...trace.matchAll(/^.*-(\d+)\s+\[(\d+)\] (.).(...)\s+[\d.]+: bpf_trace_printk: (.*)$/gm)].map((m) => ({
    pid: Number(m[1]),
    cpu: Number(m[2]),
    flags: `${m[3]}.${m[4]}`,
    text: m[5] as string,
  }));
/** Lines that tasks of the commands print themselves. */
const own = (trace: string): string[] =>
  lines(trace)
    .filter(({ pid }) => forked.has(pid))
    // from an interrupt that came while a sleeper did something else
    .filter(({ text, flags }) => !(text === 'hrtimer_start_range_ns' && flags.startsWith('d')))
    // giving way to tasks of the machine's own
    .filter(({ text }) => text !== 'switch from, state 0' && text !== 'switch to')
    .map(({ pid, cpu, flags, text }) => `${pid} [${cpu}] ${flags} ${text}`);
const byTask = (list: readonly string[]): string[] =>
  list.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));

async function replayed(...names: readonly string[]): Promise<{ trace: string; counts: bigint[] }> {
  const kernel = await Kernel.boot({ cpus: 2 });
  let counts: bigint[] = [];
  const objects = names.map((name) => {
    const object = BpfObject.open(readFileSync(at(`${name}.bpf.o`))).load(kernel);
    object.attach();
    return object;
  });
  const result = await kernel.replay(openRecording(recording));
  expect(result).toMatchObject({ stopped: undefined, oopses: [] });
  const execs = objects[0]?.maps['execs'];
  if (execs) {
    const bytes = execs.handle.lookup(new Uint8Array(4)) as Uint8Array;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    counts = [view.getBigUint64(0, true), view.getBigUint64(8, true)];
  }
  return { trace: kernel.tracePipe.read(), counts };
}

/** what each object prints, by the beginning of its lines */
const PRINTS = {
  ends: /^(exec|exit|signal) /,
  timers: /^(do_nanosleep|hrtimer_start)/,
  requests: /^block_/,
  irqs: /^(irq \d|handle_edge_irq|blk_mq_start_request)/,
  switches: /^(switch|waking|wakeup)/,
} as const;

describe.each(first(2, Object.keys(PRINTS) as (keyof typeof PRINTS)[]))('%s', (name) => {
  it('prints what it printed on the real kernel', async () => {
    const whole = readFileSync(at('commands.trace'), 'utf8');
    const wanted = own(whole).filter((line) => PRINTS[name].test(line.replace(/^\S+ \S+ \S+ /, '')));
    expect(wanted.length).toBeGreaterThan(4);
    const { trace, counts } = await replayed(name);
    expect(byTask(own(trace))).toEqual(byTask(wanted));
    if (name !== 'ends') return;
    // each CPU counts in its own slot
    const on = (cpu: number): bigint => BigInt(wanted.filter((line) => line.endsWith(`exec on CPU ${cpu}`)).length);
    expect(counts).toEqual([on(0), on(1)]);
  });
});

it('a sleeper is woken by an interrupt that finds its CPU idle, as there', async () => {
  const wakes = (trace: string): string[] =>
    lines(trace).flatMap(({ pid, flags, text }) => (pid === 0 && text === 'waking' ? [flags] : []));
  const { trace } = await replayed('switches');
  expect(trace).toMatch(/^\s+<idle>-0 /m);
  expect(wakes(trace).length).toBeGreaterThan(2);
  const there = wakes(readFileSync(at('commands.trace'), 'utf8'));
  expect(new Set(wakes(trace))).toEqual(new Set(there));
});
