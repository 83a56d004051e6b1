/** Recordings of any order and content: the kernel neither oopses nor hangs, and every call is made once. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../kernel-sim/core/random.ts';
import { Kernel, syscalls, type TraceArg, type TraceStep } from '../../kernel-sim/index.ts';
import { many } from '../support/depth.ts';
import { program } from './support/programs.ts';
import { call, recording } from './support/recording.ts';

const SEEDS = many(8, 60);
const FAMILIES = [1, 2, 10];

function makeRecording(random: Random): { steps: TraceStep[]; calls: number } {
  const steps: TraceStep[] = [];
  const alive = [42, 43];
  const waiting = new Set<number>();
  let next = 100;
  let time = 0;
  const arg = (): number | string | TraceArg => {
    switch (random.below(7)) {
      case 0:
        return `/tmp/${'x'.repeat(random.below(300))}/${random.below(9)}`;
      case 1:
        return random.u32() | 0;
      case 2:
        return { kind: 'opaque', text: '{...}' };
      case 3: {
        const bytes = Uint8Array.from({ length: 16 }, () => random.below(256));
        bytes[0] = FAMILIES[random.below(3)] as number;
        bytes[1] = 0;
        return { kind: 'bytes', bytes };
      }
      case 4:
        return { kind: 'strings', list: [Uint8Array.of(97), Uint8Array.of(98)] };
      default:
        return random.below(300);
    }
  };
  const count = 20 + random.below(60);
  let calls = 0;
  for (let n = 0; n < count && alive.length > 0; n++) {
    time += random.below(100_000);
    const pid = alive[random.below(alive.length)] as number;
    if (waiting.delete(pid)) {
      steps.push({ kind: 'return', pid, time });
      continue;
    }
    if (random.below(25) === 0) {
      steps.push({ kind: 'end', pid, time, status: 9 });
      alive.splice(alive.indexOf(pid), 1);
      continue;
    }
    const row = syscalls[random.below(syscalls.length)] as (typeof syscalls)[number];
    const args = Array.from({ length: random.below(7) }, arg);
    const result = random.below(3) === 0 ? -1 - random.below(130) : random.below(2000);
    if (/^(exit|exit_group)$/.test(row.name)) {
      steps.push(call(row.name, [random.below(256)], undefined, { pid, time }));
      alive.splice(alive.indexOf(pid), 1);
    } else if (/^(fork|vfork|clone|clone3)$/.test(row.name)) {
      const child = random.below(3) === 0 ? -11 : next++;
      steps.push(call(row.name, args, child, { pid, time, cloneFlags: random.below(2) * 0x10000 }));
      if (child > 0) alive.push(child);
    } else {
      const unfinished = random.below(6) === 0;
      if (unfinished) waiting.add(pid);
      steps.push(call(row.name, args, result, { pid, time, unfinished }));
    }
    calls++;
  }
  return { steps, calls };
}

describe('any recording', () => {
  it(`of ${SEEDS} seeds runs to its end, with probes all over`, async () => {
    const kernel = await Kernel.boot({ engine: 'step', cpus: 2 });
    let hits = 0;
    const count = () => void hits++;
    for (const symbol of [
      'do_sys_openat2',
      'vfs_read',
      'do_exit',
      'kernel_clone',
      'tcp_v4_connect',
      '__schedule',
      'fput',
    ])
      for (const ret of [false, true]) kernel.probes.kprobe(program(kernel, symbol, count), { symbol, ret });
    for (const event of [
      'sys_enter',
      'sys_exit',
      'sched_switch',
      'sched_process_exit',
      'sched_process_fork',
      'inet_sock_set_state',
    ])
      kernel.probes.rawTracepoint(program(kernel, event, count), event);
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { steps, calls } = makeRecording(new Random(seed));
      const result = await kernel.replay(
        recording(steps, [
          [42, 'a'],
          [43, 'b'],
        ]),
        { maxInsns: 5_000_000 },
      );
      expect(result, `seed ${seed}`).toMatchObject({ calls, stopped: undefined, oopses: [] });
      expect(kernel.context.preemptCount, `seed ${seed}`).toBe(0);
      expect([...kernel.tasks.all()].length, `seed ${seed}`).toBe(2);
    }
    expect(hits).toBeGreaterThan(SEEDS * 50);
  });
});
