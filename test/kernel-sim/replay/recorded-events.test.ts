/**
 * Events that only a recording makes happen, beside the real kernel: fixtures/events/told.trace is what its trace_pipe
 * held while such events were traced and the programs of told.bpf.o were on them. The events' own lines are replayed here,
 * and the programs print what they printed there.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BpfObject, type EngineName, Kernel } from '../../../src/index.ts';
import { recordingOf } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';

const PRINTED = / bpf_trace_printk: (.*)$/;
const lines = readFileSync('fixtures/events/told.trace', 'utf8').trimEnd().split('\n');
const told = lines.filter((line) => !PRINTED.test(line)).join('\n');
/** by whom, and what; a name that a task gives itself is not in these lines */
const printed = (all: readonly string[]): string[] =>
  all.flatMap((line) => {
    const m = /^.*-(\d+) +\[\d+\].* bpf_trace_printk: (.*)$/.exec(line);
    return m ? [`${m[1]}: ${m[2]}`] : [];
  });

describe.each(first<EngineName>(1, ['jit', 'step', 'interp']))('on engine %s', (engine) => {
  it('events happen with the fields of their lines', async () => {
    const kernel = await Kernel.boot({ engine });
    BpfObject.open('fixtures/events/told.bpf.o').load(kernel).attach();
    const steps = recordingOf(new TextEncoder().encode(`${told}\n`));
    await kernel.replay(steps);
    expect(steps.warnings.list).toEqual([]);
    expect(printed(kernel.tracePipe.read().split('\n'))).toEqual(printed(lines));
  });
});

it('a name longer than any record is cut, and nothing behind the record is written', async () => {
  const kernel = await Kernel.boot();
  BpfObject.open('fixtures/events/told.bpf.o').load(kernel).attach();
  const line = (name: string): string =>
    ` cat-7 [000] ..... 1.0: kmem_cache_free: call_site=__fput+0x14e/0x2b0 ptr=00000000142bc4ba name=${name}\n`;
  await kernel.replay(recordingOf(new TextEncoder().encode(line('x'.repeat(4000)) + line('filp'))));
  const told = printed(kernel.tracePipe.read().split('\n'));
  expect(told).toEqual([`7: kmem_cache_free ${'x'.repeat(15)} by __fput`, '7: kmem_cache_free filp by __fput']);
});
