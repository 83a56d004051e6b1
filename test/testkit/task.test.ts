/** Tasks that tests make: their calls go through the kernel's text, and probes see what the test said. */
import { describe, expect, it } from 'vitest';
import { ArgumentError, BpfObject, Kernel, KernelError, type SyscallValues, type TestTask } from '../../src/index.ts';

interface OpenEvent {
  readonly pid: number;
  readonly uid: number;
  readonly ns: bigint;
  readonly comm: string;
  readonly filename: string;
}

const boot = async (fixture: string) => {
  const kernel = await Kernel.boot();
  const loaded = BpfObject.open(`fixtures/${fixture}.o`).load(kernel);
  loaded.attach();
  return { kernel, loaded };
};

describe('a task in code', () => {
  it('makes system calls that probes see, with its ids and its name', async () => {
    const { kernel, loaded } = await boot('opensnoop');
    const events = loaded.maps['events']!;
    const task = kernel.task({ pid: 4321, comm: 'cat', uid: 1000 });
    const { result, insns } = task.syscall('openat', { filename: '/etc/passwd', flags: 'O_RDONLY' }, { result: 3 });
    expect(result).toBe(3n);
    expect(insns).toBeGreaterThan(100);
    expect(events.records<OpenEvent>('event')).toMatchObject([
      { pid: 4321, uid: 1000, comm: 'cat', filename: '/etc/passwd' },
    ]);
    expect(task.syscall('openat', { filename: '/nowhere' }, { error: 'ENOENT' }).result).toBe(-2n);
    // the earlier ones stay
    expect(events.records<OpenEvent>('event').map((e) => e.filename)).toEqual(['/etc/passwd', '/nowhere']);
    expect(events.records()).toHaveLength(2);
  });

  it('is told of by the samples of a perf event array', async () => {
    const { kernel, loaded } = await boot('openperf');
    const events = loaded.maps['opened']!;
    expect(events.records('event')).toEqual([]);
    kernel.task({ pid: 77, comm: 'cat' }).syscall('openat', { filename: '/etc/passwd' }, { result: 3 });
    expect(events.records('event')).toEqual([{ pid: 77, comm: 'cat' }]);
  });

  it('runs another program, forks and ends', async () => {
    const { kernel } = await boot('execs');
    const shell = kernel.task({ comm: 'sh' });
    const child = shell.fork();
    expect([child.pid, child.tgid, child.comm]).toEqual([1001, 1001, 'sh']);
    child.exec('/usr/bin/ls', ['ls', '-l']);
    expect(child.comm).toBe('ls');
    expect(shell.comm).toBe('sh');
    expect(kernel.traced).toMatch(/sh-1001 .*bpf_trace_printk: exec \/usr\/bin\/ls\n/);
    const thread = child.fork({ thread: true, pid: 1010 });
    expect([thread.pid, thread.tgid]).toEqual([1010, 1001]);
    expect(kernel.tasks.find(child.pid)?.parent?.pid).toBe(shell.pid);
    child.exit(3);
    expect(child.alive).toBe(false);
    expect(shell.alive).toBe(true);
    expect(() => child.syscall('getpid')).toThrow(KernelError);
    // others go on, and so does a recording's time
    expect(shell.syscall('getpid', {}, { result: shell.pid }).result).toBe(BigInt(shell.pid));
  });

  it('gives structures behind pointers by their members', async () => {
    const kernel = await Kernel.boot();
    const loaded = BpfObject.open('fixtures/worlds/cgroup_kinds.bpf.o').load(kernel);
    for (const program of Object.values(loaded.programs)) program.attach({ targetFd: kernel.cgroups.open('/') });
    const task = kernel.task();
    const told = (): string[] => Array.from(kernel.traced.matchAll(/: (connect4 .*)/g), ([, line]) => line!);
    task.syscall('socket', { family: 'AF_INET', type: 'SOCK_DGRAM' }, { result: 3 });
    task.syscall('connect', { fd: 3, uservaddr: { family: 'AF_INET', address: '10.0.0.9', port: 53 } });
    // both are in network order
    expect(told()).toEqual(['connect4 900000a 13568 2']);
    task.syscall('nanosleep', { rqtp: { tv_sec: 1n, tv_nsec: 5 } });
    const refused = (args: SyscallValues) => () => task.syscall(args['rqtp'] ? 'nanosleep' : 'connect', args);
    expect(refused({ rqtp: { tv_sek: 1n } })).toThrow(/args\.rqtp: .*no member 'tv_sek'/);
    expect(refused({ rqtp: { tv_sec: 'x' } })).toThrow(/tv_sec takes an integer/);
    expect(refused({ uservaddr: { family: 'AF_X' } })).toThrow(/family: it is one of AF_INET/);
    expect(refused({ uservaddr: { family: 'AF_INET', port: 65536 } })).toThrow(/port: /);
    expect(refused({ uservaddr: { family: 'AF_INET', address: '1.2.3' } })).toThrow(
      /'1\.2\.3' is no address of AF_INET/,
    );
    expect(refused({ uservaddr: { family: 'AF_UNIX', pth: '/x' } })).toThrow(/pth: .*near it: path/);
  });

  it('gives data behind pointers', async () => {
    const kernel = await Kernel.boot();
    const task = kernel.task();
    expect(task.syscall('write', { fd: 1, buf: 'hello' }, { result: 5 }).result).toBe(5n);
    expect(task.syscall('close', { fd: 1 }).result).toBe(0n);
  });

  it.each<[string, () => (task: TestTask) => unknown, RegExp]>([
    ['a call', () => (t) => t.syscall('opneat'), /no system call 'opneat'; near it: openat/],
    ['an argument', () => (t) => t.syscall('openat', { filname: 'x' }), /args\.filname: openat .*near it: filename/],
    ['a constant', () => (t) => t.syscall('openat', { flags: 'O_RDNLY' }), /'O_RDNLY' .*near it: O_RDONLY/],
    ['a value', () => (t) => t.syscall('openat', { mode: 65536 }), /args\.mode: 65536 does not fit 16 bits/],
    ['a type', () => (t) => t.syscall('openat', { filename: ['a'] }), /an array of 1 is nothing for const char \*/],
    ['an error', () => (t) => t.syscall('openat', {}, { error: 'ENOENTT' as 'ENOENT' }), /near it: ENOENT/],
    ['a pid', () => (t) => t.fork({ pid: t.pid }), /there is a task \d+ already/],
  ])('names what is near where %s is wrong', async (_, act, message) => {
    const task = (await Kernel.boot()).task();
    const wrong = () => act()(task);
    expect(wrong).toThrow(ArgumentError);
    expect(wrong).toThrow(message);
    expect(task.syscall('getpid', {}, { result: 7 }).result).toBe(7n);
  });

  it('refuses parents that are not there and maps that carry no events', async () => {
    const { kernel, loaded } = await boot('opens');
    expect(() => kernel.task({ ppid: 99 })).toThrow(/there is no task 99/);
    expect(() => loaded.maps['counts']!.records('event')).toThrow(/hash, which carries no records/);
  });
});

describe('what programs send', () => {
  it('is taken as it comes, until the reader is told to end', async () => {
    const { kernel, loaded } = await boot('opensnoop');
    const cat = kernel.task({ comm: 'cat' });
    const open = (filename: string) => cat.syscall('openat', { filename }, { result: 3 });
    const stop = new AbortController();
    open('/first');
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { filename } of loaded.maps['events']!.stream<OpenEvent>('event', { signal: stop.signal }))
        seen.push(filename);
    })();
    await Promise.resolve();
    open('/second');
    open('/third');
    while (seen.length < 3) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await reading;
    expect(seen).toEqual(['/first', '/second', '/third']);
  });

  it.each([
    ['opensnoop', 'events'],
    ['openperf', 'opened'],
  ])('wakes whoever waits for it: %s', async (fixture, map) => {
    const { kernel, loaded } = await boot(fixture);
    let woken = 0;
    const end = loaded.maps[map]!.onReady(() => woken++);
    const task = kernel.task();
    task.syscall('openat', { filename: '/x' }, { result: 3 });
    expect(woken).toBe(1);
    end();
    task.syscall('openat', { filename: '/x' }, { result: 3 });
    expect(woken).toBe(1);
  });
});

it('holds what JSON can say, in one order', async () => {
  const { kernel, loaded } = await boot('opens');
  for (const pid of [300, 50, 51, 50])
    (kernel.tasks.find(pid) ? tasksOf(kernel).get(pid)! : keep(kernel, pid)).syscall(
      'openat',
      { filename: '/x' },
      { result: 3 },
    );
  loaded.maps['counts']!.set(1, 2n ** 63n);
  expect(loaded.snapshot()).toEqual({
    maps: {
      counts: [
        [1, '9223372036854775808'],
        [300, 1],
        [50, 2],
        [51, 1],
      ],
    },
    data: {},
    bss: {},
  });
  expect(JSON.parse(JSON.stringify(loaded.snapshot()))).toEqual(loaded.snapshot());
  expect([
    loaded.maps['counts']!.has(50),
    loaded.maps['counts']!.delete(50),
    loaded.maps['counts']!.delete(50),
  ]).toEqual([true, true, false]);
  loaded.maps['counts']!.clear();
  expect(loaded.maps['counts']!.size).toBe(0);
});

const kept = new WeakMap<Kernel, Map<number, TestTask>>();
const tasksOf = (kernel: Kernel): Map<number, TestTask> => kept.get(kernel) ?? new Map();
function keep(kernel: Kernel, pid: number): TestTask {
  const task = kernel.task({ pid });
  kept.set(kernel, tasksOf(kernel).set(pid, task));
  return task;
}
