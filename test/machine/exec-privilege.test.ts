/** What cannot be tried in a process of the host: crossing privilege levels (Intel SDM vol. 2B "SYSCALL", "SYSRET"; vol. 3A, 4.6). */
import { describe, expect, it } from 'vitest';
import { Machine } from '../../src/machine/machine.ts';
import { GuestMemory } from '../../src/machine/memory.ts';
import { Assembler, at, mem, r10, rax, rbx, rcx, rdx, rsp } from '../../src/x86/index.ts';

const KERNEL = -0x7f00_0000;
const KERNEL_DATA = -0x3600_0000_0000;
const USER = 0x40_1000;
const USER_DATA = 0x40_5000;
const FLAG_IF = 0x200;
const FLAG_AC = 0x4_0000;

function boot(user: (a: Assembler) => Assembler, kernel: (a: Assembler) => Assembler = (a) => a.op('hlt')): Machine {
  const memory = new GuestMemory({ bytes: 128 << 20 });
  const machine = new Machine(memory);
  const text = memory.allocPages(1, 'image');
  const data = memory.allocPages(1);
  const userText = memory.allocPages(1);
  const userData = memory.allocPages(1);
  memory.map(KERNEL, text, 4096, { exec: true });
  memory.map(KERNEL_DATA, data, 4096, { write: true });
  memory.map(USER, userText, 4096, { exec: true, user: true });
  memory.map(USER_DATA, userData, 4096, { write: true, user: true });
  memory.u8.set(kernel(new Assembler(KERNEL)).bytes(), text);
  memory.u8.set(user(new Assembler(USER)).bytes(), userText);
  memory.writeAddr(KERNEL_DATA, KERNEL_DATA + 4096);
  memory.writeAddr(USER_DATA, 0x1234);
  const { cpu } = machine;
  cpu.lstar = KERNEL;
  cpu.starHigh = (0x23 << 16) | 0x10;
  cpu.sfmask = FLAG_IF;
  cpu.kernelGsBase = KERNEL_DATA;
  cpu.cs = 0x33;
  cpu.ss = 0x2b;
  cpu.rflags = FLAG_IF | 2;
  cpu.rip = USER;
  cpu.setReg(rsp, USER_DATA + 4096);
  return machine;
}

describe('privilege levels', () => {
  it('syscall and sysretq go there and back, with rcx, r11, flags, selectors and gs', () => {
    const machine = boot(
      (a) => a.op('mov r32, imm32', rax, 39).op('syscall').op('mov r/m64, r64', rbx, rax).op('int3'),
      (a) =>
        a
          .op('swapgs')
          .op('mov r/m64, r64', mem({ disp: 8, segment: 'gs' }), rsp)
          .op('mov r64, r/m64', rsp, mem({ disp: 0, segment: 'gs' }))
          .op('pushfq')
          .op('pop r64', rdx)
          .op('add r/m32, imm8', rax, 3)
          .op('mov r64, r/m64', rsp, mem({ disp: 8, segment: 'gs' }))
          .op('swapgs')
          .op('sysretq'),
    );
    const stop = machine.run(100);
    expect(stop).toMatchObject({ reason: 'fault', fault: { kind: 'bp' } });
    const { cpu } = machine;
    expect([cpu.reg(rbx), cpu.cpl, cpu.cs, cpu.ss, cpu.gsBase, cpu.kernelGsBase]).toEqual([
      42,
      3,
      0x33,
      0x2b,
      0,
      KERNEL_DATA,
    ]);
    expect([cpu.reg(rsp), cpu.reg(rcx), cpu.reg(11)]).toEqual([USER_DATA + 4096, USER + 7, FLAG_IF | 2]);
    expect([cpu.reg(rdx) & FLAG_IF, cpu.rflags & FLAG_IF]).toEqual([0, FLAG_IF]);
    expect(machine.insns).toBe(3 + 9 + 1);
  });

  it.each([
    ['hlt', 'gp'],
    ['cli', 'gp'],
    ['sti', 'gp'],
    ['swapgs', 'gp'],
    ['sysretq', 'gp'],
    ['stac', 'ud'],
    ['vmcall', 'ud'],
  ])('%s at CPL 3 raises #%s', (syntax, kind) => {
    const machine = boot((a) => a.op('nop').op(syntax));
    expect(machine.run(10)).toMatchObject({ reason: 'fault', fault: { kind, rip: USER + 1 } });
    expect(machine.cpu.rip).toBe(USER + 1);
  });

  it('user code reaches no kernel page: error codes say user, and write or fetch', () => {
    const load = boot((a) => a.op('mov r64, imm64', rbx, KERNEL_DATA).op('mov r64, r/m64', rax, at(rbx)));
    expect(load.run(10)).toMatchObject({ fault: { kind: 'page', errorCode: 5, address: KERNEL_DATA } });
    const store = boot((a) => a.op('mov r64, imm64', rbx, KERNEL_DATA).op('mov r/m64, r64', at(rbx), rax));
    expect(store.run(10)).toMatchObject({ fault: { kind: 'page', errorCode: 7 } });
    const jump = boot((a) => a.op('mov r64, imm64', rbx, KERNEL).op('jmp r/m64', rbx));
    expect(jump.run(10)).toMatchObject({ fault: { kind: 'page', errorCode: 0x15, rip: KERNEL } });
    const none = boot((a) => a.op('mov r64, r/m64', rax, mem({ disp: 0x10 })));
    expect(none.run(10)).toMatchObject({ fault: { kind: 'page', errorCode: 4, address: 0x10 } });
  });

  it('kernel code runs no user page, and touches one only between stac and clac', () => {
    const fetch = boot(
      (a) => a.op('syscall'),
      (a) => a.op('jmp r/m64', rcx),
    );
    expect(fetch.run(10)).toMatchObject({ fault: { kind: 'page', errorCode: 0x11, rip: USER + 2 } });
    const touch = boot(
      (a) => a.op('mov r32, imm32', r10, USER_DATA).op('syscall'),
      (a) => a.op('stac').op('mov r64, r/m64', rbx, at(r10)).op('clac').op('mov r64, r/m64', rdx, at(r10)),
    );
    expect(touch.run(10)).toMatchObject({ fault: { kind: 'page', errorCode: 1, address: USER_DATA } });
    expect([touch.cpu.reg(rbx), touch.cpu.rflags & FLAG_AC]).toEqual([0x1234, 0]);
  });
});
