/** The run loop: stops, hypercalls, exceptions, host calls; the same on both engines. */
import { describe, expect, it } from 'vitest';
import { FLAG, MachineStop, RAX, RBX, RDI, RSP, USER_CS, USER_DS } from '../../src/machine/index.ts';
import { at, mem, rax, rbp, rbx, rcx, rdi, rsi, rsp } from '../../src/x86/index.ts';
import { CODE, halves, place, STACK_TOP, type TestMachine, testMachine } from './support.ts';

const lo = (n: number): [number, number] => [n, 0];

describe.each(['step', 'jit'] as const)('engine %s', (engine) => {
  const make = (): TestMachine => testMachine({ engine, translator: { threshold: 2 } });

  it('calls a function with arguments and gives back its result and the registers', () => {
    const t = make();
    place(t, (a) => a.op('lea r64, m', rax, mem({ base: rdi, index: rsi, scale: 4, disp: 1 })).op('ret'));
    for (let i = 0; i < 5; i++) {
      t.machine.cpu.rip = 0x1000;
      expect(t.machine.call(CODE, [lo(100 + i), lo(3)])).toEqual({ reason: 'halt' });
      expect(t.machine.cpu.reg(RAX)).toBe(113 + i);
      expect(t.machine.cpu.reg(RSP)).toBe(STACK_TOP);
      expect(t.machine.cpu.rip).toBe(0x1000);
    }
    expect(t.machine.insns).toBe(5 * 3);
  });

  it('stops after exactly the budget', () => {
    const t = make();
    place(t, (a) => {
      const loop = a.label();
      a.op('xor r/m32, r32', rax, rax).bind(loop);
      a.op('add r/m64, imm8', rax, 1).op('cmp rax, imm32', 1000).op('jne rel32', loop).op('ret');
    });
    for (const budget of [1, 2, 3, 4, 100, 2999, 3000]) {
      t.machine.cpu.setReg(RSP, STACK_TOP - 8);
      t.memory.store64(...halves(STACK_TOP - 8), ...halves(t.machine.haltAddress));
      t.machine.cpu.rip = CODE;
      const before = t.machine.insns;
      expect(t.machine.run(budget)).toEqual({ reason: 'budget' });
      expect(t.machine.insns - before).toBe(budget);
      expect(t.machine.run()).toEqual({ reason: 'halt' });
      expect(t.machine.insns - before).toBe(1 + 3 * 1000 + 2);
    }
  });

  it('a loop without end comes back', () => {
    const t = make();
    place(t, (a) => a.op('jmp rel32', a.bind()));
    expect(t.machine.call(CODE, [], 1_000_001)).toEqual({ reason: 'budget' });
    expect(t.machine.insns).toBe(1_000_001);
  });

  it('hands hypercalls on, and they may call guest code again', () => {
    const t = make();
    let inner = 0;
    const asm = place(t, (a) => {
      a.op('push r64', rbx).op('mov r32, imm32', rbx, 5);
      a.op('mov r32, imm32', rax, 7).op('vmcall');
      a.op('add r/m64, r64', rax, rbx).op('pop r64', rbx).op('ret');
      inner = a.here;
      a.op('mov r32, imm32', rax, 40).op('ret');
    });
    void asm;
    const seen: number[] = [];
    t.machine.onVmcall = (nr) => {
      seen.push(nr);
      expect(t.machine.running).toBe(true);
      expect(t.machine.call(inner)).toEqual({ reason: 'halt' });
    };
    for (let i = 0; i < 6; i++) {
      t.machine.call(CODE);
      expect(t.machine.cpu.reg(RAX)).toBe(45);
    }
    expect(seen).toEqual([7, 7, 7, 7, 7, 7]);
    expect(t.machine.insns).toBe(6 * (7 + 1 + 3));
  });

  it('a handler may end the run, also from a nested call', () => {
    const t = make();
    place(t, (a) => a.op('mov r32, imm32', rax, 1).op('vmcall').op('ret'));
    t.machine.onVmcall = () => {
      throw new MachineStop('enough');
    };
    for (let i = 0; i < 4; i++) expect(t.machine.call(CODE)).toEqual({ reason: 'stopped', why: 'enough' });
    t.machine.cpu.setReg(RSP, STACK_TOP);
    let depth = 0;
    t.machine.onVmcall = () => {
      if (++depth === 3) throw new MachineStop(depth);
      t.machine.call(CODE);
    };
    expect(t.machine.call(CODE)).toEqual({ reason: 'stopped', why: 3, inner: true });
    expect(t.machine.running).toBe(false);
  });

  it('stops at breakpoints, in nested and translated code too', () => {
    const t = make();
    let second = 0;
    place(t, (a) => {
      a.op('mov r32, imm32', rax, 1);
      second = a.here;
      a.op('mov r32, imm32', rax, 2).op('ret');
    });
    for (let i = 0; i < 4; i++) t.machine.call(CODE);
    t.machine.breakpoints.add(second);
    expect(t.machine.call(CODE)).toEqual({ reason: 'breakpoint' });
    expect(t.machine.cpu.rip).toBe(second);
    expect(t.machine.cpu.reg(RAX)).toBe(1);
    expect(t.machine.run()).toEqual({ reason: 'halt' });
    expect(t.machine.cpu.reg(RAX)).toBe(2);
  });

  it('reports a fault that nobody handles, with the state before the instruction', () => {
    const t = make();
    place(t, (a) => {
      a.op('mov r32, imm32', rbx, 9).op('mov r32, imm32', rdi, 0x1234);
      a.op('add r64, r/m64', rbx, at(rdi, 8)).op('ret');
    });
    for (let i = 0; i < 4; i++) {
      const stop = t.machine.call(CODE);
      expect(stop.reason).toBe('fault');
      expect(stop.fault).toMatchObject({ kind: 'page', address: 0x123c, errorCode: 0, rip: CODE + 10 });
      expect(t.machine.cpu.reg(RBX)).toBe(9);
      expect(t.machine.cpu.rip).toBe(CODE + 10);
    }
  });

  it('lets the host resolve a fault, as an exception table does', () => {
    const t = make();
    place(t, (a) => a.op('mov r64, r/m64', rax, at(rdi)).op('ret'));
    t.machine.onFault = (fault) => {
      t.machine.cpu.setReg(RAX, 0);
      t.machine.cpu.rip = fault.rip + 3;
      return true;
    };
    for (let i = 0; i < 4; i++) {
      expect(t.machine.call(CODE, [lo(64)])).toEqual({ reason: 'halt' });
      expect(t.machine.cpu.reg(RAX)).toBe(0);
    }
  });

  it('delivers int3 through the IDT and returns with iretq', () => {
    const t = make();
    let handler = 0;
    place(t, (a) => {
      a.op('mov r32, imm32', rax, 1).op('int3').op('add r/m64, imm8', rax, 1).op('ret');
      handler = a.here;
      a.op('add r/m64, imm8', rax, 10).op('mov r64, r/m64', rcx, at(rsp)).op('iretq');
    });
    t.machine.idt[3] = handler;
    for (let i = 0; i < 4; i++) {
      expect(t.machine.call(CODE)).toEqual({ reason: 'halt' });
      expect(t.machine.cpu.reg(RAX)).toBe(12);
      expect(t.machine.cpu.reg(1)).toBe(CODE + 6);
    }
  });

  it('a patch takes effect at the next execution, also of what is running', () => {
    const t = make();
    const patched = Uint8Array.of(0xb8, 2, 0, 0, 0);
    let callee = 0;
    const callers = place(t, (a) => {
      const f = a.label();
      a.op('push r64', rbp).op('mov r32, imm32', rax, 1).op('vmcall').op('call rel32', f).op('pop r64', rbp).op('ret');
      a.bind(f);
      callee = a.here;
      a.op('mov r32, imm32', rax, 1).op('ret');
    });
    void callers;
    let patch = false;
    t.machine.onVmcall = () => {
      if (patch) t.machine.patch(callee, patched);
    };
    for (let i = 0; i < 5; i++) {
      t.machine.call(CODE);
      expect(t.machine.cpu.reg(RAX)).toBe(1);
    }
    patch = true;
    for (let i = 0; i < 5; i++) {
      t.machine.call(CODE);
      expect(t.machine.cpu.reg(RAX)).toBe(2);
    }
  });
});

describe('user mode', () => {
  it('an exception switches to rsp0 and iretq goes back', () => {
    const t = testMachine();
    const { machine, memory } = t;
    const { cpu } = machine;
    memory.map(0x400000, memory.allocPages(1), 4096, { exec: true, user: true, write: true });
    memory.map(0x7000_0000, memory.allocPages(1), 4096, { user: true, write: true });
    memory.writeBytes(0x400000, Uint8Array.of(0xcc, 0xf4)); // int3; hlt, which is privileged
    let handler = 0;
    place(t, (a) => {
      handler = a.here;
      a.op('mov r64, r/m64', rdi, at(rsp, 24)).op('iretq');
    });
    machine.idt[3] = handler;
    cpu.rsp0 = STACK_TOP;
    cpu.cs = USER_CS;
    cpu.ss = USER_DS;
    cpu.setReg(RSP, 0x7000_0800);
    cpu.rip = 0x400000;
    const stop = machine.run(100);
    expect(stop.fault).toMatchObject({ kind: 'gp', rip: 0x400001 });
    expect(cpu.cpl).toBe(3);
    expect(cpu.reg(RDI)).toBe(0x7000_0800);
    expect(cpu.rflags & FLAG.IF).toBe(FLAG.IF);
  });

  it('a frame that cannot be pushed is a double fault', () => {
    const t = testMachine();
    place(t, (a) => a.op('int3'));
    t.machine.idt[3] = CODE;
    t.machine.cpu.setReg(RSP, 0x10);
    t.machine.cpu.rip = CODE;
    const stop = t.machine.run(10);
    expect(stop.fault).toMatchObject({ kind: 'df' });
  });
});
