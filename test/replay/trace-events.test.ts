/** Trace events as ftrace, trace-cmd and perf script print them (Documentation/trace/ftrace.rst, perf-script(1)). */
import { describe, expect, it } from 'vitest';
import { Kernel, type TraceStep } from '../../kernel-sim/index.ts';
import { AnyParser, RecordingStream } from '../../src/replay/index.ts';

/** Steps of a recording in pieces of `size` bytes, and what could not be read. */
function read(text: string, size = text.length): { steps: TraceStep[]; warnings: string[] } {
  const parser = new AnyParser();
  const bytes = new TextEncoder().encode(text);
  const steps: TraceStep[] = [];
  const take = (): void => {
    for (let step = parser.next(); step; step = parser.next()) steps.push(step);
  };
  for (let at = 0; at < bytes.length; at += size) {
    parser.push(bytes.slice(at, at + size));
    take();
  }
  parser.end();
  take();
  return { steps, warnings: parser.warnings.list.map((w) => `${w.line}: ${w.message}`) };
}

const openat = (form: readonly [head: string, enter: string, exit: string]): string =>
  `${form[0]}100.000001: ${form[1]}\n${form[0]}100.000005: ${form[2]}\n`;
const FORMS: Readonly<Record<string, readonly [head: string, enter: string, exit: string]>> = {
  ftrace: [
    '             cat-1235    [001] .....   ',
    'sys_openat(dfd: ffffffffffffff9c, filename: 7ffd1000, flags: 80000, mode: 0)',
    'sys_openat -> 0x3',
  ],
  'ftrace, raw': [
    '             cat-1235    [001] d..2.   ',
    'sys_enter: NR 257 (ffffffffffffff9c, 7ffd1000, 80000, 0, 0, 0)',
    'sys_exit: NR 257 = 3',
  ],
  'trace-cmd': [
    '             cat-1235  [001]   ',
    'sys_enter_openat:     dfd: 0xffffffffffffff9c, filename: 0x7ffd1000, flags: 0x00080000, mode: 0x00000000',
    'sys_exit_openat:      0x3',
  ],
  'perf script': [
    '             cat  1235 [001]   ',
    'syscalls:sys_enter_openat: dfd: 0xffffffffffffff9c, filename: 0x7ffd1000, flags: 0x00080000, mode: 0x00000000',
    'syscalls:sys_exit_openat: 0x3',
  ],
  'perf script, raw': [
    'my prog  1235/1235  [001]   ',
    'raw_syscalls:sys_enter: NR 257 (ffffffffffffff9c, 7ffd1000, 80000, 0, 0, 0)',
    'raw_syscalls:sys_exit: NR 257 = 3',
  ],
};

describe.each(Object.entries(FORMS))('%s', (_, form) => {
  it('gives the call with its arguments, result and time, in pieces of any size', () => {
    const { steps, warnings } = read(`# tracer: nop\n#\n${openat(form)}`);
    expect(warnings).toEqual([]);
    expect(steps).toEqual([
      expect.objectContaining({ kind: 'task', pid: 1235 }),
      expect.objectContaining({
        kind: 'call',
        name: 'openat',
        pid: 1235,
        time: 0,
        result: { lo: 3, hi: 0 },
        unfinished: false,
      }),
    ]);
    const call = steps[1] as Extract<TraceStep, { kind: 'call' }>;
    expect(call.args.slice(0, 3)).toEqual([
      { kind: 'int', lo: -100, hi: -1 },
      { kind: 'int', lo: 0x7ffd1000, hi: 0 },
      { kind: 'int', lo: 0x80000, hi: 0 },
    ]);
    for (const size of [1, 7, 100]) expect(read(`# tracer: nop\n#\n${openat(form)}`, size).steps).toEqual(steps);
  });
});

const line = (pid: number, time: number, event: string): string =>
  `           t-${pid}     [000] .....   ${time.toFixed(6)}: ${event}\n`;

describe('tasks', () => {
  it('that fork, exec and exit without a call of their own are replayed as if they had', async () => {
    const text =
      line(10, 1, 'sched_process_fork: comm=sh pid=10 child_comm=sh child_pid=11') +
      line(11, 1.1, 'sched_process_exec: filename=/bin/ls pid=11 old_pid=11') +
      line(11, 1.2, 'sched_process_exit: comm=ls pid=11 prio=120') +
      line(
        10,
        1.3,
        'sched_switch: prev_comm=sh prev_pid=10 prev_prio=120 prev_state=S ==> next_comm=x next_pid=0 next_prio=120',
      );
    const { steps, warnings } = read(text);
    expect(warnings).toEqual([]);
    expect(steps.map((s) => `${s.kind} ${s.pid}`)).toEqual(['task 10', 'call 10', 'call 11', 'end 11', 'sleep 10']);
    const kernel = await Kernel.boot({ engine: 'step' });
    const bytes = new TextEncoder().encode(text);
    const chunks = [bytes];
    const source = {
      read: () => chunks.pop(),
      ready: async () => {},
      rewind: () => false,
      close: () => {},
    };
    const result = await kernel.replay(new RecordingStream(source, () => new AnyParser()));
    expect(result).toMatchObject({ calls: 2, oopses: [], stopped: undefined });
  });

  it('that wait let others go on, and return with their result', () => {
    const { steps } = read(
      line(10, 1, 'sys_read(fd: 0, buf: 7ffd, count: 10)') +
        line(11, 1.1, 'sys_getpid()') +
        line(11, 1.2, 'sys_getpid -> 0xb') +
        line(10, 1.3, 'sys_read -> 0x1'),
    );
    expect(steps.map((s) => `${s.kind} ${s.pid}`)).toEqual(['task 10', 'call 10', 'task 11', 'call 11', 'return 10']);
    expect(steps.at(-1)).toMatchObject({ call: { result: { lo: 1, hi: 0 } } });
  });
});

it('has a call once where both raw_syscalls and syscalls were on', () => {
  const { steps, warnings } = read(
    line(10, 1, 'sys_enter: NR 33 (a, 1, 0, 0, 0, 0)') +
      line(10, 1, 'sys_dup2(oldfd: a, newfd: 1)') +
      line(10, 2, 'sys_exit: NR 33 = 1') +
      line(10, 2, 'sys_dup2 -> 0x1'),
  );
  expect(warnings).toEqual([]);
  expect(steps.map((s) => s.kind)).toEqual(['task', 'call']);
});

it('says once of each kind of event that it is not replayed, and what is no event', () => {
  const { warnings } = read(
    line(10, 1, 'sys_getpid()') +
      line(10, 1, 'sys_getpid -> 0xa') +
      line(10, 2, 'mm_nothing: 8,0 R 4096 () 1 + 8 [x]').repeat(3) +
      'junk\n' +
      line(4_194_304, 3, 'sys_getpid()') +
      line(10, 4, 'sys_read -> 0x1'),
  );
  expect(warnings.map((w) => w.slice(0, 40))).toEqual(
    [
      '3: mm_nothing and others of its kind are not replayed',
      '6: no trace event: "junk"',
      '7: its pid is none that a task can have',
      '8: a call ends that no line began',
    ].map((w) => w.slice(0, 40)),
  );
});
