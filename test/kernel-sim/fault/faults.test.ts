/** Faults of programs in the kernel: exception tables, oopses, and that the rest goes on. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { type Assembler, at, rax, rbp, rcx, rdi, rsp } from '../../../src/x86/index.ts';
import { machineProgram, program } from '../support/programs.ts';
import { call, recording } from '../support/recording.ts';

const frame = (a: Assembler): Assembler => a.op('endbr64').nops(5).op('push r64', rbp).op('mov r/m64, r64', rbp, rsp);
const openThenExit = (pid: number) => [
  call('openat', [-100, '/etc/passwd', 0], 3, { pid }),
  call('exit_group', [0], undefined, { pid }),
];

describe('an oops', () => {
  it('has Linux’s form, kills its task, and the others go on', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    const bad = machineProgram(kernel, 'bad', (a) => {
      frame(a).op('xor r/m32, r32', rdi, rdi).op('mov r64, r/m64', rax, at(rdi, 16)).op('leave').op('ret');
    });
    const link = kernel.probes.kprobe(bad, { symbol: 'do_sys_openat2' });
    kernel.probes.kprobe(program(kernel, 'exits'), { symbol: '__x64_sys_exit_group' });
    const result = await kernel.replay(
      recording(
        [...openThenExit(42), ...openThenExit(43)],
        [
          [42, 'python3'],
          [43, 'bash'],
        ],
      ),
    );
    expect(result.stopped).toBeUndefined();
    expect(result.oopses.length).toBe(2);
    const lines = (result.oopses[0] as string).split('\n');
    expect(lines.slice(0, 5)).toEqual([
      'BUG: kernel NULL pointer dereference, address: 0000000000000010',
      '#PF: supervisor read access in kernel mode',
      '#PF: error_code(0x0000) - not-present page',
      'PGD 0 P4D 0',
      'Oops: Oops: 0000 [#1] PREEMPT SMP NOPTI',
    ]);
    expect(lines[5]).toMatch(/^CPU: 0 UID: 0 PID: 42 Comm: python3 Not tainted 6\.12\.\d+/);
    expect(lines).toContain('RIP: 0010:bpf_prog_0123456789abcdef_bad+0xf/0x15 [bpf]');
    expect(lines.find((l) => l.startsWith('Code: '))).toMatch(
      / f3 0f 1e fa 0f 1f 44 00 00 55 48 89 e5 31 ff <48> 8b 47 10 c9 c3 cc/,
    );
    const trace = lines
      .slice(lines.indexOf(' <TASK>') + 1, lines.indexOf(' </TASK>'))
      .map((l) => l.trim().replace(/\+.*/, ''));
    expect(trace).toEqual([
      'trace_call_bpf',
      'kprobe_perf_func',
      'kprobe_dispatcher',
      'kprobe_ftrace_handler',
      'ftrace_trampoline',
      'do_sys_openat2',
      '__x64_sys_openat',
      'do_syscall_64',
      'entry_SYSCALL_64_after_hwframe',
    ]);
    // neither task lived to call exit_group
    expect(kernel.tracePipe.read()).toBe('');
    link.detach();
    const again = await kernel.replay(recording(openThenExit(42)));
    expect(again.oopses).toEqual([]);
    expect(kernel.tracePipe.read()).toContain('exits');
  });

  it('names a divide error, an invalid opcode, a protection fault and an unmapped page', async () => {
    const cases: [string, (a: Assembler) => void, RegExp][] = [
      ['de', (a) => void a.op('xor r/m32, r32', rcx, rcx).op('div r/m64', rcx), /^Oops: divide error: 0000 \[#1\]/m],
      ['ud', (a) => void a.op('ud2'), /^Oops: invalid opcode: 0000 \[#1\]/m],
      [
        'gp',
        (a) => void a.op('mov r64, imm64', rdi, 0x1234_5678_0000_0000n).op('mov r64, r/m64', rax, at(rdi, 0)),
        /^Oops: general protection fault, probably for non-canonical address 0x1234567800000000: 0000 \[#1\]/m,
      ],
      [
        'pf',
        (a) => void a.op('mov r64, imm64', rdi, 0xffff_c900_dead_0000n).op('mov r/m64, r64', at(rdi, 0), rax),
        /^BUG: unable to handle page fault for address: ffffc900dead0000\n#PF: supervisor write access/,
      ],
    ];
    for (const [name, emit, expected] of cases) {
      const kernel = await Kernel.boot({ engine: 'step' });
      kernel.probes.kprobe(
        machineProgram(kernel, name, (a) => emit(frame(a))),
        { symbol: 'do_sys_openat2' },
      );
      const { oopses } = await kernel.replay(recording(openThenExit(42)));
      expect(oopses[0]).toMatch(expected);
    }
  });

  it('int3 where there is no kprobe', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    kernel.probes.kprobe(
      machineProgram(kernel, 'i', (a) => void frame(a).op('int3').op('leave').op('ret')),
      { symbol: 'do_sys_openat2' },
    );
    const { oopses } = await kernel.replay(recording(openThenExit(42)));
    expect(oopses[0]).toMatch(/^Oops: int3: 0000 \[#1\]/m);
    expect(oopses[0]).toContain('bpf_prog_0123456789abcdef_i');
  });
});

describe('an exception table row', () => {
  it('zeroes the destination and goes on behind the load', async () => {
    const kernel = await Kernel.boot({ engine: 'step' });
    let load = 0;
    let resume = 0;
    const p = machineProgram(kernel, 'probe_mem', (a) => {
      frame(a).op('mov r32, imm32', rax, 5).op('mov r64, imm64', rdi, 0xffff_c900_dead_0000n);
      load = a.here;
      a.op('mov r64, r/m64', rax, at(rdi, 0));
      resume = a.here;
      a.op('leave').op('ret');
    });
    kernel.faults.addExtable([{ at: load, resume, reg: rax }]);
    expect(kernel.call(p.entry).reason).toBe('halt');
    expect(kernel.cpu.regs[0]).toBe(0);
    kernel.faults.removeExtable([{ at: load, resume, reg: rax }]);
    expect(kernel.call(p.entry).reason).toBe('fault');
  });
});
