/**
 * Three datagrams that bash sends to 127.0.0.1, recorded with strace on the real kernel while the programs of
 * fixtures/worlds ran there: functions, tracepoints, softirq, tc and XDP on lo. The replay prints what was printed there.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';

const at = (name: string): URL => new URL(`../../../fixtures/worlds/${name}`, import.meta.url);
/** What was attached there, in its order, and what it printed. */
const RUNS = {
  datagrams: ['net_path', 'net_events', 'softirq', 'tc_port'],
  'datagrams-xdp': ['xdp_port'],
  'datagrams-rewrite': ['xdp_rewrite'],
} as const;

/** Flags and text. Whether another task wants the CPU (N) is the real machine's affair. */
const lines = (trace: string): string[] =>
  trace
    .split('\n')
    .filter((line) => line.includes('bpf_trace_printk: '))
    .map((line) => line.replace(/^.*\[000\] (.)[.N](\S+) .*?bpf_trace_printk: (.*)$/, '$1.$2 $3'));

const engines = first(1, ['jit', 'step', 'interp'] as const);
const cases = engines.flatMap((engine) =>
  (Object.keys(RUNS) as (keyof typeof RUNS)[]).map((run) => [run, engine] as const),
);

it.each(cases)('%s over lo: events, arguments, order, flags and verdicts (%s)', async (run, engine) => {
  const kernel = await Kernel.boot({ engine });
  for (const name of RUNS[run])
    BpfObject.open(readFileSync(at(`${name}.bpf.o`)))
      .load(kernel)
      .attach({ ifindex: 1 });
  const { trace } = readStrace(readFileSync(at('datagrams.strace'), 'utf8'));
  expect(await kernel.replay(trace)).toMatchObject({ oopses: [], stopped: undefined });
  const expected = lines(readFileSync(at(`${run}.trace`), 'utf8'));
  expect(expected.length).toBeGreaterThan(2);
  expect(lines(kernel.tracePipe.read())).toEqual(expected);
});
