/** Recordings through the guest's own system call path: tasks, switches, exec, fork, files. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { rax } from '../../../src/x86/index.ts';
import { machineProgram, program } from '../support/programs.ts';
import { call, recording } from '../support/recording.ts';

const engine = 'step';
const text = (k: Kernel, at: number): string => new TextDecoder().decode(k.memory.readCString(at, 256));

describe('tasks', () => {
  it('switch where the recording has a call unfinished, and come back with its result', async () => {
    const k = await Kernel.boot({ engine });
    const log: string[] = [];
    const regs = k.structs.of('pt_regs');
    k.probes.kprobe(
      program(k, 'in', () => void log.push(`${k.tasks.current.pid} vfs_read`)),
      { symbol: 'vfs_read' },
    );
    k.probes.kprobe(
      program(
        k,
        'out',
        () => void log.push(`${k.tasks.current.pid} read = ${k.memory.readS32(k.args.addr(0) + regs.offset('ax'))}`),
      ),
      { symbol: 'ksys_read', ret: true },
    );
    k.probes.tracepoint(
      program(k, 'sw', () => {
        const next = k.memory.readS32(k.args.addr(0) + 56);
        log.push(`switch ${k.tasks.current.pid} -> ${next}`);
      }),
      'sched',
      'sched_switch',
    );
    const result = await k.replay(
      recording(
        [
          call('read', [3, { kind: 'opaque', text: '' }, 10], 5, { pid: 10, unfinished: true, time: 1000 }),
          call('read', [4, { kind: 'opaque', text: '' }, 10], 7, { pid: 11, time: 2000 }),
          { kind: 'return', pid: 10, time: 3000 },
          call('getpid', [], 10, { pid: 10, time: 4000 }),
        ],
        [
          [10, 'a'],
          [11, 'b'],
        ],
      ),
    );
    expect(result).toMatchObject({ calls: 3, stopped: undefined, oopses: [] });
    expect(log).toEqual([
      'switch 1507 -> 10',
      '10 vfs_read',
      'switch 10 -> 11',
      '11 vfs_read',
      '11 read = 7',
      'switch 11 -> 10',
      '10 read = 5',
      'switch 10 -> 1507',
    ]);
  });

  it('fork, exec and exit: pids, names and times as recorded', async () => {
    const k = await Kernel.boot({ engine });
    const strings = { kind: 'strings', list: [] } as const;
    k.probes.tracepoint(program(k, 'fork'), 'sched', 'sched_process_fork');
    k.probes.tracepoint(program(k, 'exec'), 'sched', 'sched_process_exec');
    k.probes.tracepoint(program(k, 'exit'), 'sched', 'sched_process_exit');
    const tid: string[] = [];
    k.probes.kprobe(
      program(k, 't', () => void tid.push(`${k.tasks.current.tgid}/${k.tasks.current.pid}`)),
      { symbol: '__x64_sys_getpid' },
    );
    await k.replay(
      recording([
        call('clone', [17, 0, 0, 0, 0], 43, { time: 1_000_000 }),
        call('execve', ['/usr/bin/very-long-program-name', strings, strings], 0, { pid: 43, time: 2_000_000 }),
        call('clone3', [{ kind: 'opaque', text: '' }, 88], 44, { pid: 43, cloneFlags: 0x10000, time: 2_500_000 }),
        call('getpid', [], 43, { pid: 44, time: 2_600_000 }),
        call('exit_group', [3], undefined, { pid: 43, time: 3_000_000 }),
        { kind: 'end', pid: 44, time: 3_500_000, status: 9 },
        call('exit_group', [0], undefined, { time: 4_000_000 }),
      ]),
    );
    expect(k.tracePipe.read().trimEnd().split('\n')).toEqual([
      '         python3-42      [000] ...21   600.001000: bpf_trace_printk: fork',
      ' very-long-progr-43      [000] ...21   600.002000: bpf_trace_printk: exec',
      ' very-long-progr-43      [000] ...21   600.002500: bpf_trace_printk: fork',
      ' very-long-progr-43      [000] ...21   600.003000: bpf_trace_printk: exit',
      ' very-long-progr-44      [000] ...21   600.003500: bpf_trace_printk: exit',
      '         python3-42      [000] ...21   600.004000: bpf_trace_printk: exit',
    ]);
    expect(tid).toEqual(['43/44']);
    expect([...k.tasks.all()].map((t) => t.pid)).toEqual([0, k.tasks.loader.pid]);
  });

  it('a number whose task ended is another task where the recording goes on with it', async () => {
    const k = await Kernel.boot({ engine });
    k.probes.kprobe(program(k, 'opens'), { symbol: 'do_sys_openat2' });
    const once = (time: number) => [
      call('openat', [-100, '/tmp/x', 0], 3, { pid: 50, time }),
      call('exit_group', [0], undefined, { pid: 50, time: time + 1000 }),
      // strace still had this of a thread that the exit has killed
      call('getpid', [], 50, { pid: 50, time: time + 2000 }),
      { kind: 'end', pid: 50, time: time + 3000, status: 0 } as const,
    ];
    const { calls } = await k.replay(recording([...once(1_000_000), ...once(2_000_000)]));
    expect(calls).toBe(4);
    expect(k.tracePipe.read().match(/opens/g)).toHaveLength(2);
  });

  it('a second replay starts as clean as the first, and memory stays flat', async () => {
    const k = await Kernel.boot({ engine });
    const steps = Array.from({ length: 300 }, (_, n) => [
      call('openat', [-100, `/tmp/${n % 5}`, 0], 3),
      call('read', [3, { kind: 'opaque', text: '' }, 10], 5),
      call('close', [3], 0),
    ]).flat();
    await k.replay(recording(steps));
    const free = k.memory.freePageCount;
    for (let n = 0; n < 3; n++) expect((await k.replay(recording(steps))).calls).toBe(900);
    expect(free - k.memory.freePageCount).toBeLessThan(20);
  });

  it('stops at --max-insns and when it is aborted, and the kernel can go on', async () => {
    const k = await Kernel.boot({ engine });
    const many = Array.from({ length: 5000 }, () => call('getpid', [], 42));
    expect((await k.replay(recording(many), { maxInsns: 10_000 })).stopped).toBe('max-insns');
    const abort = new AbortController();
    function* endless() {
      for (;;) yield call('getpid', [], 42);
    }
    setTimeout(() => abort.abort(), 5);
    expect(
      (await k.replay({ tasks: [{ pid: 42, comm: 'x' }], steps: endless() }, { signal: abort.signal })).stopped,
    ).toBe('aborted');
    expect((await k.replay(recording([call('getpid', [], 42)]))).stopped).toBeUndefined();
  });
});

it('a slice of a replay may end in guest code that a hypercall runs', async () => {
  const k = await Kernel.boot({ engine: 'jit' });
  // more instructions than a slice has
  const long = machineProgram(k, 'long', (a) => {
    const loop = a.op('mov r32, imm32', rax, 5_000_000).bind();
    a.op('sub r/m64, imm8', rax, 1).op('jne rel32', loop).op('ret');
  });
  let done = 0;
  k.probes.kprobe(
    program(k, 'calls', () => {
      expect(k.call(long.entry)).toEqual({ reason: 'halt' });
      done++;
    }),
    { symbol: 'do_sys_openat2' },
  );
  const opens = Array.from({ length: 3 }, () => call('openat', [-100, '/tmp/x', 0], 3));
  expect(await k.replay(recording(opens))).toMatchObject({ calls: 3, stopped: undefined, oopses: [] });
  expect(done).toBe(3);
  expect(k.context.preemptCount).toBe(0);
  expect((await k.replay(recording(opens), { maxInsns: 1_000_000 })).stopped).toBe('max-insns');
  expect(done).toBe(3);
  expect((await k.replay(recording(opens))).stopped).toBeUndefined();
});

describe('what inner functions are given', () => {
  it('a filename, a file with its dentry, the linux_binprm', async () => {
    const k = await Kernel.boot({ engine });
    const seen: string[] = [];
    const { args, memory, structs } = k;
    const regs = structs.of('pt_regs');
    const arg = (name: string): number => memory.readAddr(args.addr(0) + regs.offset(name));
    const on = (symbol: string, run: () => void) => void k.probes.kprobe(program(k, symbol, run), { symbol });
    on('do_filp_open', () =>
      seen.push(`do_filp_open ${text(k, memory.readAddr(arg('si') + structs.of('filename').offset('name')))}`),
    );
    on('vfs_open', () => {
      const dentry = memory.readAddr(arg('di') + structs.of('path').offset('dentry'));
      seen.push(`vfs_open ${text(k, memory.readAddr(dentry + structs.of('dentry').offset('d_name.name')))}`);
    });
    on('do_unlinkat', () =>
      seen.push(`do_unlinkat ${text(k, memory.readAddr(arg('si') + structs.of('filename').offset('name')))}`),
    );
    on('vfs_read', () => {
      const dentry = memory.readAddr(arg('di') + structs.of('file').offset('f_path.dentry'));
      seen.push(
        `vfs_read ${text(k, memory.readAddr(dentry + structs.of('dentry').offset('d_name.name')))} ${arg('dx')}`,
      );
    });
    on('bprm_execve', () =>
      seen.push(`bprm_execve ${text(k, memory.readAddr(arg('di') + structs.of('linux_binprm').offset('filename')))}`),
    );
    await k.replay(
      recording([
        call('execve', ['/bin/ls', { kind: 'strings', list: [] }, { kind: 'strings', list: [] }], 0),
        call('openat', [-100, '/etc/ssl/openssl.cnf', 0], 7),
        call('read', [7, { kind: 'opaque', text: '' }, 4096], 100),
        call('unlink', ['/tmp/gone'], -2),
        call('openat', [-100, '/missing', 0], -2),
      ]),
    );
    expect(seen).toEqual([
      'do_filp_open /bin/ls',
      'vfs_open ls',
      'bprm_execve /bin/ls',
      'do_filp_open /lib64/ld-linux-x86-64.so.2',
      'vfs_open ld-linux-x86-64.so.2',
      'do_filp_open /etc/ssl/openssl.cnf',
      'vfs_open openssl.cnf',
      'vfs_read openssl.cnf 4096',
      'do_unlinkat /tmp/gone',
      'do_filp_open /missing',
    ]);
  });

  it('connect reaches the protocol with the address that the recording has', async () => {
    const k = await Kernel.boot({ engine });
    const seen: string[] = [];
    const { args, memory, structs } = k;
    const regs = structs.of('pt_regs');
    k.probes.kprobe(
      program(k, 'c', () => {
        const address = memory.readAddr(args.addr(0) + regs.offset('si'));
        seen.push(`tcp_v4_connect ${memory.readBytes(address, 8).join('.')}`);
      }),
      { symbol: 'tcp_v4_connect' },
    );
    k.probes.tracepoint(
      program(
        k,
        's',
        () => void seen.push(`state ${memory.readS32(args.addr(0) + 16)} -> ${memory.readS32(args.addr(0) + 20)}`),
      ),
      'sock',
      'inet_sock_set_state',
    );
    await k.replay(
      recording([
        call('socket', [2, 1, 0], 3),
        call(
          'connect',
          [3, { kind: 'bytes', bytes: Uint8Array.of(2, 0, 0, 80, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0) }, 16],
          0,
        ),
      ]),
    );
    expect(seen).toEqual(['tcp_v4_connect 2.0.0.80.10.0.0.1', 'state 7 -> 2', 'state 2 -> 1']);
  });

  it('a socket’s life, as the real kernel’s functions see it: read and write reach the protocol, close its end', async () => {
    const k = await Kernel.boot({ engine });
    for (const symbol of [
      'inet_csk_listen_start',
      'inet_csk_accept',
      'sock_recvmsg',
      'tcp_recvmsg',
      'tcp_sendmsg',
      '__fput',
      'sock_close',
      'inet_release',
      'tcp_close',
      'tcp_set_state',
    ])
      k.probes.kprobe(program(k, symbol), { symbol });
    await k.replay(
      recording([
        call('socket', [2, 1, 0], 4),
        call('listen', [4, 1], 0),
        call('accept', [4, 0, 0], 5),
        call('close', [4], 0),
        call('read', [5, { kind: 'opaque', text: '' }, 100], 3),
        call('write', [5, { kind: 'opaque', text: '' }, 3], 3),
        call('dup2', [5, 7], 7),
        call('close', [5], 0),
        call('exit_group', [0], undefined),
      ]),
    );
    const names = k.tracePipe
      .read()
      .trimEnd()
      .split('\n')
      // the other end's segments come in softirqs
      .filter((line) => !/\] ..s/.test(line))
      .map((line) => line.replace(/.*: /, ''));
    expect(names.join(' ')).toBe(
      'inet_csk_listen_start inet_csk_accept __fput sock_close inet_release tcp_close tcp_set_state ' +
        'sock_recvmsg tcp_recvmsg tcp_sendmsg __fput sock_close inet_release tcp_close tcp_set_state',
    );
  });

  it('every system call passes through its entry and returns what the recording has', async () => {
    const k = await Kernel.boot({ engine });
    const { syscalls } = await import('../../../kernel-sim/index.ts');
    const seen: number[] = [];
    k.probes.tracepoint(
      program(k, 'x', () => void seen.push(k.memory.readS32(k.args.addr(0) + 16))),
      'raw_syscalls',
      'sys_exit',
    );
    // who calls uretprobe outside of its trampoline gets a signal
    const gone = new Set(['exit', 'exit_group', 'fork', 'vfork', 'clone', 'clone3', 'uretprobe']);
    const rows = syscalls.filter((s) => !gone.has(s.name));
    const result = await k.replay(recording(rows.map((s) => call(s.name, [1, 0, 0, 0, 0, 0], 1000 + s.nr))));
    expect(result).toMatchObject({ calls: rows.length, oopses: [], stopped: undefined });
    expect(seen.slice(0, rows.length)).toEqual(rows.map((s) => 1000 + s.nr));
  });
});

describe('several CPUs', () => {
  it('each task runs on its own, with its own per-CPU data', async () => {
    const k = await Kernel.boot({ engine, cpus: 4 });
    const hot = k.structs.of('pcpu_hot');
    const seen: string[] = [];
    const p = program(k, 'x', () => {
      const base = k.cpu.gsBase;
      const number = k.memory.readU32(base + (k.symbols.address('pcpu_hot') as number) + hot.offset('cpu_number'));
      seen.push(`${k.tasks.current.pid}:${k.context.cpu}:${number}`);
      k.trace.bpfPrintk('x');
    });
    k.probes.kprobe(p, { symbol: 'vfs_read' });
    const read = (pid: number) => call('read', [3, { kind: 'opaque', text: '' }, 10], 5, { pid });
    const before = { ...read(41), unfinished: true };
    await k.replay(
      recording(
        [before, read(42), { kind: 'return', pid: 41, time: 5 }, read(43), read(44), read(41)],
        [
          [41, 'a'],
          [42, 'b'],
          [43, 'c'],
          [44, 'd'],
        ],
      ),
    );
    expect(seen).toEqual(['41:1:1', '42:2:2', '43:3:3', '44:0:0', '41:1:1']);
    expect(k.tracePipe.read().split('\n').slice(0, 2)).toEqual([
      '               a-41      [001] ...21   600.000000: bpf_trace_printk: x',
      '               b-42      [002] ...21   600.000000: bpf_trace_printk: x',
    ]);
    expect(k.context.cpu).toBe(0);
    expect(k.context.preemptCount).toBe(0);
  });
});
