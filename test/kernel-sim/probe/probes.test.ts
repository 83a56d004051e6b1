/** Programs reached from patched text, held against what the real kernel printed (golden/trace-columns.txt says which). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { program } from '../support/programs.ts';
import { call, recording } from '../support/recording.ts';

const golden = readFileSync(new URL('../golden/trace-columns.txt', import.meta.url), 'utf8');
/** The real kernel's flags for what a program prints. */
const flagsOf = (text: string): string => {
  const line = golden.split('\n').find((l) => l.slice(6) === text);
  if (!line) throw new Error(`${text} is not in the golden`);
  return line.slice(0, 5);
};
/** Flags and text of each line, as the golden has them. */
const columns = (pipe: string): string[] =>
  pipe
    .trimEnd()
    .split('\n')
    .map((line) => {
      const m = /^.{16}-.{7} \[\d{3}\] (.{5}) +\d+\.\d{6}: bpf_trace_printk: (.*)$/.exec(line);
      return m ? `${m[1]} ${m[2]}` : line;
    });
const hex = (b: Uint8Array): string => Buffer.from(b).toString('hex');
const open = () => call('openat', [-100, '/etc/passwd', 0], 3);
const engine = 'step';

describe('the order in which programs of one openat run, and their flags', () => {
  it('is the real kernel’s', async () => {
    const kernel = await Kernel.boot({ engine });
    const { probes } = kernel;
    const p = (name: string) => program(kernel, name);
    probes.kprobe(p('kprobe do_sys_openat2'), { symbol: 'do_sys_openat2' });
    probes.kprobe(p('kretprobe do_sys_openat2'), { symbol: 'do_sys_openat2', ret: true });
    probes.kprobe(p('kprobe __x64_sys_openat'), { symbol: '__x64_sys_openat' });
    probes.trampoline(p('fentry do_filp_open'), {
      kind: 'fentry',
      target: 'do_filp_open',
      argSizes: [4, 8, 8],
      retSize: 8,
    });
    probes.trampoline(p('fexit do_filp_open'), {
      kind: 'fexit',
      target: 'do_filp_open',
      argSizes: [4, 8, 8],
      retSize: 8,
    });
    probes.tracepoint(p('tp sys_enter_openat'), 'syscalls', 'sys_enter_openat');
    probes.tracepoint(p('tp sys_exit_openat'), 'syscalls', 'sys_exit_openat');
    await kernel.replay(recording([open()]));
    const block = golden
      .split('\n')
      .filter((l) => !l.startsWith('#'))
      .slice(0, 7);
    expect(columns(kernel.tracePipe.read())).toEqual(block);
  });

  it('with two kprobes, two kretprobes and fentry on one function', async () => {
    const kernel = await Kernel.boot({ engine });
    const { probes } = kernel;
    const p = (name: string) => program(kernel, name);
    probes.kprobe(p('entry'), { symbol: 'do_sys_openat2' });
    probes.kprobe(p('entry again'), { symbol: 'do_sys_openat2' });
    probes.kprobe(p('ret'), { symbol: 'do_sys_openat2', ret: true });
    probes.kprobe(p('ret again'), { symbol: 'do_sys_openat2', ret: true });
    probes.trampoline(p('fentry do_sys_openat2'), {
      kind: 'fentry',
      target: 'do_sys_openat2',
      argSizes: [4, 8, 8],
      retSize: 8,
    });
    await kernel.replay(recording([open()]));
    const lines = golden.split('\n');
    const at = lines.indexOf('...31 entry again');
    expect(columns(kernel.tracePipe.read())).toEqual(lines.slice(at, at + 5));
  });

  it('by breakpoint, at exec, fork, exit and switch', async () => {
    const kernel = await Kernel.boot({ engine });
    const { probes } = kernel;
    const p = (name: string) => program(kernel, name);
    probes.kprobe(p('mid'), { symbol: 'do_filp_open', offset: 9 });
    probes.rawTracepoint(p('rtp exec'), 'sched_process_exec');
    probes.tracepoint(p('tp exec'), 'sched', 'sched_process_exec');
    probes.tracepoint(p('tp exit'), 'sched', 'sched_process_exit');
    probes.tracepoint(p('tp fork'), 'sched', 'sched_process_fork');
    probes.tracepoint(p('tp switch'), 'sched', 'sched_switch');
    probes.rawTracepoint(p('rtp switch'), 'sched_switch');
    probes.kprobe(p('kprobe do_exit'), { symbol: 'do_exit' });
    probes.kprobe(p('kprobe finish_task_switch'), { symbol: 'finish_task_switch.isra.0' });
    probes.kprobe(p('kprobe wake_up_new_task'), { symbol: 'wake_up_new_task' });
    await kernel.replay(
      recording([
        call('execve', ['/usr/bin/python3', { kind: 'strings', list: [] }, { kind: 'strings', list: [] }], 0),
        open(),
        call('clone', [17, 0, 0, 0, 0], 43),
        call('getpid', [], 43, { pid: 43 }),
        call('exit_group', [0], undefined),
      ]),
    );
    const seen = new Set(columns(kernel.tracePipe.read()));
    const names = [
      'mid',
      'rtp exec',
      'tp exec',
      'tp exit',
      'tp fork',
      'tp switch',
      'rtp switch',
      'kprobe do_exit',
      'kprobe finish_task_switch',
      'kprobe wake_up_new_task',
    ];
    for (const name of names) expect(seen).toContain(`${flagsOf(name)} ${name}`);
    expect(seen.size).toBe(names.length);
  });
});

describe('patched text', () => {
  it('is as the real kernel patches it: same site, same bytes', async () => {
    const kernel = await Kernel.boot({ engine });
    // objdump of the real kernel with a kprobe there: ffffffff81453d90: e8 6b 92 db 3e  call 0xffffffffc020d000
    const link = kernel.probes.kprobe(program(kernel, 'x'), { symbol: 'do_sys_openat2' });
    expect(hex(link.before)).toBe('0f1f440000');
    expect(hex(link.after)).toBe('e86b92db3e');
    // ffffffff81454404: e8 f7 8b db 3e, behind endbr64
    const second = kernel.probes.kprobe(program(kernel, 'y'), { symbol: '__x64_sys_openat' });
    expect(second.offset).toBe(4);
    expect(hex(second.after)).toBe('e8f78bdb3e');
  });

  it('comes back when the last program is detached', async () => {
    const kernel = await Kernel.boot({ engine });
    const before = hex(kernel.text.read(kernel.symbols.address('do_filp_open') as number, 64));
    const links = [
      kernel.probes.kprobe(program(kernel, 'a'), { symbol: 'do_filp_open' }),
      kernel.probes.kprobe(program(kernel, 'b'), { symbol: 'do_filp_open', ret: true }),
      kernel.probes.kprobe(program(kernel, 'c'), { symbol: 'do_filp_open', offset: 9 }),
      kernel.probes.trampoline(program(kernel, 'd'), {
        kind: 'fexit',
        target: 'do_filp_open',
        argSizes: [4, 8, 8],
        retSize: 8,
      }),
    ];
    expect(hex(kernel.text.read(kernel.symbols.address('do_filp_open') as number, 64))).not.toBe(before);
    for (const link of links) link.detach();
    expect(hex(kernel.text.read(kernel.symbols.address('do_filp_open') as number, 64))).toBe(before);
    await kernel.replay(recording([open()]));
    expect(kernel.tracePipe.read()).toBe('');
  });

  it('every instruction of a function can carry a kprobe, and the call does what it did', async () => {
    const kernel = await Kernel.boot({ engine });
    const address = kernel.symbols.address('path_openat') as number;
    let placed = 0;
    for (let offset = 9; offset < 200; offset++) {
      try {
        kernel.probes.kprobe(program(kernel, `+${offset}`), { symbol: 'path_openat', offset });
        placed++;
      } catch (error) {
        expect((error as { errno: string }).errno).toBe('EILSEQ');
      }
    }
    expect(placed).toBeGreaterThan(30);
    const result = await kernel.replay(recording([open()]));
    expect(result.oopses).toEqual([]);
    expect(kernel.tracePipe.read().split('\n').length).toBeGreaterThan(placed / 2);
    expect(address).toBeLessThan(0);
  });
});

describe('what a handler sees', () => {
  it('pt_regs of the probed function, ip behind the breakpoint', async () => {
    const kernel = await Kernel.boot({ engine });
    const regs = kernel.structs.of('pt_regs');
    let seen: { ip: number; path: string; dfd: number } | undefined;
    const p = program(kernel, 'x', () => {
      const ctx = kernel.args.addr(0);
      const user = kernel.memory.readAddr(ctx + regs.offset('si'));
      seen = {
        ip: kernel.memory.readAddr(ctx + regs.offset('ip')),
        dfd: kernel.memory.readS32(ctx + regs.offset('di')),
        path: new TextDecoder().decode(kernel.memory.readCString(user, 64)),
      };
    });
    kernel.probes.kprobe(p, { symbol: 'do_sys_openat2' });
    await kernel.replay(recording([call('openat', [-100, '/etc/hostname', 0], 3)]));
    expect(seen).toEqual({
      ip: (kernel.symbols.address('do_sys_openat2') as number) + 1,
      dfd: -100,
      path: '/etc/hostname',
    });
  });

  it('the recorded result in a kretprobe, fexit and sys_exit', async () => {
    const kernel = await Kernel.boot({ engine });
    const regs = kernel.structs.of('pt_regs');
    const seen: number[] = [];
    kernel.probes.kprobe(
      program(kernel, 'r', () => void seen.push(kernel.memory.readS32(kernel.args.addr(0) + regs.offset('ax')))),
      { symbol: 'do_sys_openat2', ret: true },
    );
    kernel.probes.trampoline(
      program(kernel, 'f', () => void seen.push(kernel.memory.readS32(kernel.args.addr(0) + 24))),
      { kind: 'fexit', target: 'do_sys_openat2', argSizes: [4, 8, 8], retSize: 8 },
    );
    kernel.probes.tracepoint(
      program(kernel, 't', () => void seen.push(kernel.memory.readS32(kernel.args.addr(0) + 16))),
      'syscalls',
      'sys_exit_openat',
    );
    await kernel.replay(recording([call('openat', [-100, '/nope', 0], -2), open()]));
    expect(seen).toEqual([-2, -2, -2, 3, 3, 3]);
  });

  it('a kprobe that redirects the function, as bpf_override_return does, makes the call return that', async () => {
    const kernel = await Kernel.boot({ engine });
    const regs = kernel.structs.of('pt_regs');
    const seen: number[] = [];
    const p = program(kernel, 'override', () => {
      const ctx = kernel.args.addr(0);
      kernel.memory.writeU64(ctx + regs.offset('ax'), BigInt.asUintN(64, -12n));
      kernel.memory.writeAddr(ctx + regs.offset('ip'), kernel.text.place('just_return_func'));
    });
    kernel.probes.kprobe(p, { symbol: '__x64_sys_openat' });
    kernel.probes.kprobe(program(kernel, 'never'), { symbol: 'do_sys_openat2' });
    kernel.probes.tracepoint(
      program(kernel, 't', () => void seen.push(kernel.memory.readS32(kernel.args.addr(0) + 16))),
      'syscalls',
      'sys_exit_openat',
    );
    await kernel.replay(recording([open()]));
    expect(seen).toEqual([-12]);
    expect(kernel.tracePipe.read()).toBe('');
  });

  it('fmod_ret: a value other than 0 is returned in place of the function', async () => {
    const kernel = await Kernel.boot({ engine });
    const seen: number[] = [];
    const p = program(kernel, 'modify', () => kernel.args.retInt(-13));
    kernel.probes.trampoline(p, { kind: 'fmod_ret', target: '__x64_sys_openat', argSizes: [8], retSize: 8 });
    kernel.probes.kprobe(program(kernel, 'never'), { symbol: 'do_sys_openat2' });
    kernel.probes.tracepoint(
      program(kernel, 't', () => void seen.push(kernel.memory.readS32(kernel.args.addr(0) + 16))),
      'syscalls',
      'sys_exit_openat',
    );
    await kernel.replay(recording([open()]));
    expect(seen).toEqual([-13]);
    expect(kernel.tracePipe.read()).toBe('');
  });

  it('an LSM program that refuses makes the call fail', async () => {
    const kernel = await Kernel.boot({ engine });
    const seen: number[] = [];
    const deny = program(kernel, 'deny', () => kernel.args.retInt(-1));
    kernel.probes.trampoline(deny, { kind: 'lsm', target: 'bpf_lsm_file_open', argSizes: [8], retSize: 4 });
    kernel.probes.tracepoint(
      program(kernel, 't', () => void seen.push(kernel.memory.readS32(kernel.args.addr(0) + 16))),
      'syscalls',
      'sys_exit_openat',
    );
    await kernel.replay(recording([open()]));
    expect(seen).toEqual([-1]);
  });

  it('the attach cookie, in the run context of the task', async () => {
    const kernel = await Kernel.boot({ engine });
    let cookie = 0n;
    const p = program(kernel, 'x', () => {
      const context = kernel.memory.readAddr(kernel.tasks.current.field('bpf_ctx'));
      cookie = kernel.memory.readU64(context + kernel.structs.of('bpf_trace_run_ctx').offset('bpf_cookie'));
    });
    kernel.probes.kprobe(p, { symbol: 'do_sys_openat2', cookie: 0x1122334455667788n });
    await kernel.replay(recording([open()]));
    expect(cookie).toBe(0x1122334455667788n);
  });
});

describe('a sampling perf event', () => {
  it('fires by the virtual clock, in interrupt context, with the user registers', async () => {
    const kernel = await Kernel.boot({ engine });
    const ips: number[] = [];
    const layout = kernel.structs.of('bpf_perf_event_data_kern');
    const p = program(kernel, 'sample', () => {
      const regs = kernel.memory.readAddr(kernel.args.addr(0) + layout.offset('regs'));
      ips.push(kernel.memory.readAddr(regs + kernel.structs.of('pt_regs').offset('ip')));
      kernel.trace.bpfPrintk('sample');
    });
    const { event } = kernel.perf.open({ type: 'software', config: 0, freq: 1000 });
    event.setBpf(p);
    await kernel.replay(recording([call('getpid', [], 42, { time: 0 }), call('getpid', [], 42, { time: 5_500_000 })]));
    expect(ips.length).toBe(5);
    expect(ips[0]).toBeLessThan(0x402000);
    expect(ips[0]).toBeGreaterThanOrEqual(0x401000);
    expect(columns(kernel.tracePipe.read())[0]).toBe('d.h1. sample');
    event.release();
    await kernel.replay(recording([call('getpid', [], 42, { time: 5_500_000 })]));
    expect(ips.length).toBe(5);
  });
  it('a frequency that does not divide a second', async () => {
    const kernel = await Kernel.boot({ engine });
    let samples = 0;
    const { event } = kernel.perf.open({ type: 'software', config: 0, freq: 99 });
    event.setBpf(program(kernel, 'sample', () => void samples++));
    await kernel.replay(
      recording([call('getpid', [], 42, { time: 0 }), call('getpid', [], 42, { time: 100_000_000 })]),
    );
    expect(samples).toBe(9);
  });
});

describe('what is refused', () => {
  const errnoOf = async (attach: (k: Kernel) => void): Promise<string> => {
    const kernel = await Kernel.boot({ engine });
    try {
      attach(kernel);
      return 'accepted';
    } catch (error) {
      return `${(error as { errno: string }).errno}: ${(error as Error).message}`;
    }
  };
  it('names with what is near, blacklisted functions, addresses inside instructions', async () => {
    expect(await errnoOf((k) => k.probes.kprobe(program(k, 'x'), { symbol: 'do_sys_openat3' }))).toMatch(
      /^ENOENT: .*do_sys_openat2/,
    );
    expect(await errnoOf((k) => k.probes.kprobe(program(k, 'x'), { symbol: 'do_syscall_64' }))).toMatch(
      /^EINVAL: .*blacklist/,
    );
    expect(await errnoOf((k) => k.probes.kprobe(program(k, 'x'), { symbol: 'do_filp_open', offset: 11 }))).toMatch(
      /^EILSEQ/,
    );
    expect(
      await errnoOf((k) => k.probes.kprobe(program(k, 'x'), { symbol: 'do_filp_open', offset: 9, ret: true })),
    ).toMatch(/^EINVAL/);
    expect(await errnoOf((k) => k.probes.tracepoint(program(k, 'x'), 'syscalls', 'sys_enter_opennat'))).toMatch(
      /^ENOENT: .*sys_enter_openat/,
    );
    expect(await errnoOf((k) => k.probes.rawTracepoint(program(k, 'x'), 'sched_swich'))).toMatch(
      /^ENOENT: .*sched_switch/,
    );
    expect(await errnoOf((k) => k.probes.rawTracepoint(program(k, 'x'), 'xdp_redirect'))).toMatch(/^EOPNOTSUPP/);
  });
  it('a function that nothing here calls can carry a kprobe, as on Linux', async () => {
    expect(await errnoOf((k) => k.probes.kprobe(program(k, 'x'), { symbol: 'ext4_sync_file' }))).toMatch(
      /accepted|ENOENT/,
    );
    expect(await errnoOf((k) => k.probes.kprobe(program(k, 'x'), { symbol: 'blk_account_io_start' }))).toMatch(
      /accepted|ENOENT/,
    );
  });
});
