/** Workloads: the same seed, the same steps; what happens in the kernel follows from them. */
import { describe, expect, it } from 'vitest';
import { Kernel, type TraceStep } from '../../kernel-sim/index.ts';
import { openWorkload, WORKLOADS, workload } from '../../src/replay/index.ts';
import { program } from '../kernel-sim/support/programs.ts';
import { first } from '../support/depth.ts';

const text = (steps: Iterable<TraceStep>): string => [...steps].map((step) => JSON.stringify(step)).join('\n');

describe.each(WORKLOADS)('%s', (name) => {
  it('is the same for the same seed, read again and in order of time', () => {
    const one = workload(name, 7);
    const steps = [...one.steps];
    expect(text(one.steps)).toBe(text(steps));
    expect(text(workload(name, 7).steps)).toBe(text(steps));
    expect(text(workload(name, 8).steps)).not.toBe(text(steps));
    expect(steps.every((step, n) => n === 0 || step.time >= (steps[n - 1] as TraceStep).time)).toBe(true);
  });

  it.each(first(1, [4, 1]))('is replayed to its end on %i CPUs, with a switch where a task waits', async (cpus) => {
    const k = await Kernel.boot({ engine: 'jit', cpus });
    let switches = 0;
    const told = program(k, 'switch', () => void switches++);
    k.probes.tracepoint(told, 'sched', 'sched_switch');
    const result = await k.replay(openWorkload(name, 3));
    expect(result).toMatchObject({ stopped: undefined, oopses: [] });
    const calls = [...workload(name, 3).steps].filter((step) => step.kind === 'call');
    expect(result.calls).toBe(calls.length);
    const waits = calls.filter((step) => step.kind === 'call' && step.unfinished).length;
    expect(switches).toBeGreaterThan(waits);
  });
});

it('a disk is as busy as the workload says, each request completed once', async () => {
  const k = await Kernel.boot({ engine: 'jit', cpus: 2 });
  const counts: Record<string, number> = {};
  for (const event of ['block_bio_queue', 'block_rq_issue', 'block_rq_complete']) {
    const told = program(k, event, () => {
      counts[event] = (counts[event] ?? 0) + 1;
    });
    k.probes.tracepoint(told, 'block', event);
  }
  await k.replay(openWorkload('disk', 5));
  const requests = [...workload('disk', 5).steps].filter(
    (step) => step.kind === 'event' && step.event === 'block_rq_issue',
  );
  expect(requests.length).toBeGreaterThan(50);
  expect(counts).toEqual({
    block_bio_queue: requests.length,
    block_rq_issue: requests.length,
    block_rq_complete: requests.length,
  });
});
