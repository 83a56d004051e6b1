/** What happens while time passes: timers and samples on the virtual clock; storage that goes with its owner. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Clock } from '../../../kernel-sim/core/clock.ts';
import { BpfObject, Kernel, readStrace } from '../../../src/index.ts';
import { haveShared, sharedPath } from '../../support/shared.ts';

describe('the clock', () => {
  const clock = (): Clock => new Clock(new Int32Array(2), 0, 1000, 0n);
  const every = (c: Clock, first: number, period: number, log: string[], name: string) => {
    const alarm = {
      due: first,
      ring: () => {
        log.push(`${name} ${c.now}`);
        alarm.due += period;
      },
      skip: (ns: number) => {
        alarm.due = ns + period;
      },
    };
    c.alarms.push(alarm);
    return alarm;
  };

  it('rings in the order of time, each at its own', () => {
    const c = clock();
    const log: string[] = [];
    every(c, 1500, 1000, log, 'a');
    every(c, 2000, 400, log, 'b');
    c.pass(3000);
    expect(log).toEqual(['a 1500', 'b 2000', 'b 2400', 'a 2500', 'b 2800']);
    expect(c.now).toBe(3000);
  });

  it('passes over what would ring without end', () => {
    const c = clock();
    const log: string[] = [];
    const alarm = every(c, 1001, 1, log, 'x');
    c.pass(5_000_000_000);
    expect(log).toHaveLength(1000);
    expect([c.now, alarm.due]).toEqual([5_000_000_000, 5_000_000_001]);
  });
});

/** Runs a program of the shared cases on its recording; what it printed, without columns that differ. */
async function run(name: string): Promise<string[]> {
  const kernel = await Kernel.boot();
  BpfObject.open(readFileSync(sharedPath(`cases/programs/${name}/prog.o`)))
    .load(kernel)
    .attach();
  await kernel.replay(readStrace(readFileSync(sharedPath(`cases/programs/${name}/t.strace`), 'utf8')).trace);
  return kernel.tracePipe
    .read()
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^.*bpf_trace_printk: /, ''));
}

describe.skipIf(!haveShared)('in a replay', () => {
  it('a bpf_timer fires when its time has come, and again where it starts itself', async () => {
    expect(await run('timer-fires')).toEqual(['start 0', 'tick 0 n=1', 'tick 0 n=2', 'tick 0 n=3']);
  });

  it('task storage begins anew with each task, though its task_struct lies where another was', async () => {
    expect(await run('task-storage-new-task')).toEqual([
      'pid 10 n=1',
      'pid 11 n=1',
      'pid 12 n=1',
      'pid 10 n=2',
      'pid 13 n=1',
    ]);
  });
});
