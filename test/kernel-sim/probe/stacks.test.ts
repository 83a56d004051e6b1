/**
 * Kernel stacks, as bpf_get_stack finds them from each kind of probe: fixtures/stacks/kstack.trace is what the programs there
 * printed on the real kernel while it recorded kstack.strace.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';

const at = (name: string): URL => new URL(`../../../fixtures/stacks/${name}`, import.meta.url);
/** What was printed; tags of programs and numbers of trampolines are each machine's own. */
const printed = (trace: string): string[] =>
  [...trace.matchAll(/bpf_trace_printk: (.*)/g)]
    .map(([, text = '']) => text.replace(/bpf_prog_[0-9a-f]{16}_/, 'bpf_prog_').replace(/(bpf_trampoline)_\d+/, '$1'))
    // the only user of a tracepoint is called there by a static call, without what goes over all of them
    .filter((text) => !text.includes('__traceiter_sched_process_exit'))
    .map((text) => text.replace(/^ {2}\d+ /, '  '));

it.each(first(1, ['jit', 'step'] as const))('stacks are those of the real kernel (%s)', async (engine) => {
  const kernel = await Kernel.boot({ engine });
  BpfObject.open(readFileSync(at('kstack.bpf.o')))
    .load(kernel)
    .attach();
  const result = await kernel.replay(readStrace(readFileSync(at('kstack.strace'), 'utf8')).trace);
  expect(result).toMatchObject({ stopped: undefined, oopses: [] });
  const real = printed(readFileSync(at('kstack.trace'), 'utf8'));
  expect(real.length).toBeGreaterThan(150);
  const here = printed(kernel.tracePipe.read());
  // as deep as asked for: the iterator took a place
  expect(here.slice(0, -2)).toEqual(real.slice(0, here.length - 2));
});
