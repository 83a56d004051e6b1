/** Several CPUs: which task runs where, who wakes whom, what each CPU has of its own. */
import { describe, expect, it } from 'vitest';
import { Kernel, readStrace } from '../../../src/index.ts';
import { program } from '../support/programs.ts';

const engine = 'step';
const STRACE = `10 1.000000 read(3, "abc", 3) = 3
11 1.000100 read(3,  <unfinished ...>
10 1.000200 write(1, "x", 1) = 1
11 1.000300 <... read resumed>"abc", 3) = 3
10 1.000400 nanosleep({tv_sec=0, tv_nsec=1000000}, <unfinished ...>
11 1.001000 getpid() = 11
10 1.001400 <... nanosleep resumed>0x0) = 0
10 1.001500 clone(child_stack=NULL, flags=SIGCHLD) = 12
10 1.001600 wait4(-1, <unfinished ...>
12 1.001700 getpid() = 12
12 1.001800 exit_group(3) = ?
10 1.001900 <... wait4 resumed>[{WIFEXITED(s) && WEXITSTATUS(s) == 3}], 0, NULL) = 12
`;
const EVENTS = [
  ['sched', 'sched_switch'],
  ['sched', 'sched_waking'],
  ['sched', 'sched_wakeup'],
  ['sched', 'sched_wakeup_new'],
  ['sched', 'sched_process_exit'],
  ['irq_vectors', 'call_function_single_entry'],
  ['timer', 'hrtimer_expire_entry'],
] as const;

/** Events as `comm-pid [cpu] flags event: fields`. */
function watch(k: Kernel): string[] {
  const log: string[] = [];
  const s32 = (offset: number): number => k.memory.readS32(k.args.addr(0) + offset);
  for (const [category, event] of EVENTS) {
    const fields = (): string => {
      if (event === 'sched_switch') return ` ${s32(24)} ${s32(32)} ==> ${s32(56)}`;
      return event.startsWith('sched_wak') ? ` ${s32(24)} on ${s32(32)}` : '';
    };
    const told = program(k, 'told', () => {
      const { comm, pid } = k.tasks.current;
      log.push(`${comm}-${pid} [${k.context.cpu}] ${event}${fields()}`);
    });
    k.probes.tracepoint(told, category, event);
  }
  return log;
}

describe('two CPUs', () => {
  it('switch, sleep and wake as Linux does it', async () => {
    const k = await Kernel.boot({ engine, cpus: 2 });
    const log = watch(k);
    const result = await k.replay(readStrace(STRACE).trace);
    expect(result).toMatchObject({ calls: 9, stopped: undefined, oopses: [] });
    expect(log).toEqual([
      'ebpf-emu-1507 [0] sched_switch 1507 1 ==> 10',
      'swapper/1-0 [1] sched_switch 0 0 ==> 11',
      // the read waits; its writer runs on the other CPU, and sends this one an interrupt to wake it
      '<...>-11 [1] sched_switch 11 1 ==> 0',
      '<...>-10 [0] sched_waking 11 on 1',
      'swapper/1-0 [1] call_function_single_entry',
      'swapper/1-0 [1] sched_wakeup 11 on 1',
      'swapper/1-0 [1] sched_switch 0 0 ==> 11',
      // a sleep ends by the interrupt of its timer, which finds the CPU idle
      '<...>-10 [0] sched_switch 10 1 ==> 0',
      'swapper/0-0 [0] hrtimer_expire_entry',
      'swapper/0-0 [0] sched_waking 10 on 0',
      'swapper/0-0 [0] sched_wakeup 10 on 0',
      'swapper/0-0 [0] sched_switch 0 0 ==> 10',
      '<...>-10 [0] sched_wakeup_new 12 on 0',
      '<...>-10 [0] sched_switch 10 1 ==> 12',
      // the child's exit wakes who waits for it; it is a zombie then
      '<...>-12 [0] sched_process_exit',
      '<...>-12 [0] sched_waking 10 on 0',
      '<...>-12 [0] sched_wakeup 10 on 0',
      '<...>-12 [0] sched_switch 12 32 ==> 10',
      '<...>-10 [0] sched_switch 10 0 ==> 1507',
    ]);
  });

  it('have memory, run queues and trace buffers of their own', async () => {
    const k = await Kernel.boot({ engine, cpus: 4 });
    const seen = new Set<string>();
    const hot = k.structs.of('pcpu_hot');
    const p = program(k, 'where', () => {
      const base = k.cpu.gsBase + k.text.percpu('pcpu_hot');
      const number = k.memory.readU32(base + hot.offset('cpu_number'));
      const current = k.tasks.at(k.memory.readAddr(base + hot.offset('current_task')));
      const rq = k.memory.readAddr(current?.field('se.cfs_rq') ?? 0);
      expect(rq).not.toBe(0);
      seen.add(`${current?.pid} on ${number}, ${k.memory.readU32(current?.field('thread_info.cpu') ?? 0)}`);
      k.trace.bpfPrintk('here');
    });
    k.probes.kprobe(p, { symbol: '__x64_sys_getpid' });
    const calls = [0, 1, 2, 3, 4, 5].map((n) => `${20 + n} 1.00000${n} getpid() = ${20 + n}`);
    await k.replay(readStrace(calls.join('\n')).trace);
    expect([...seen]).toEqual([0, 1, 2, 3, 4, 5].map((n) => `${20 + n} on ${n % 4}, ${n % 4}`));
    const columns = k.tracePipe.read().match(/\[00\d\]/g);
    expect(columns).toEqual(['[000]', '[001]', '[002]', '[003]', '[000]', '[001]']);
  });

  it('tick where a task runs, and nowhere else; each replay goes the same way', async () => {
    const run = async (): Promise<string> => {
      const k = await Kernel.boot({ engine, cpus: 3 });
      const ticks: Record<string, number> = {};
      const p = program(k, 'tick', () => {
        const key = `${k.context.cpu} ${k.tasks.current.pid}`;
        ticks[key] = (ticks[key] ?? 0) + 1;
      });
      k.probes.tracepoint(p, 'irq_vectors', 'local_timer_entry');
      // 30 computes on CPU 0 for 40 ms; 31 does nothing
      await k.replay(readStrace('30 1.000000 getpid() = 30\n30 1.040000 getpid() = 30\n').trace);
      return JSON.stringify([ticks, k.clock.now]);
    };
    const first = await run();
    expect(JSON.parse(first)[0]).toEqual({ '0 30': 10 });
    expect(await run()).toBe(first);
  });
});

describe('a task of the recording that runs on one CPU', () => {
  it('gives way to another one there, and to nobody elsewhere', async () => {
    const k = await Kernel.boot({ engine });
    const log = watch(k);
    await k.replay(
      readStrace('10 1.000000 getpid() = 10\n11 1.000100 getpid() = 11\n10 1.000200 getpid() = 10\n').trace,
    );
    expect(log).toEqual([
      'ebpf-emu-1507 [0] sched_switch 1507 1 ==> 10',
      '<...>-10 [0] sched_switch 10 0 ==> 11',
      '<...>-11 [0] sched_switch 11 0 ==> 10',
      '<...>-10 [0] sched_switch 10 0 ==> 1507',
    ]);
  });
});
