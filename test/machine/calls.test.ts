/** Calls between translated functions: whatever ends a callee, the machine is the stepper's. */
import { describe, expect, it } from 'vitest';
import { type Addr, RAX, RSP } from '../../src/machine/index.ts';
import { type Assembler, at, GPR, type Label, mem } from '../../src/x86/index.ts';
import { full, many } from '../support/depth.ts';
import { difference, outcome } from './differential.ts';
import { CODE, CODE_BYTES, halves, place, STACK_TOP, type TestMachine, testMachine, VM_DATA } from './support.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r12, r14 } = GPR;

type Labels = Record<string, Label>;

/** The same code on the stepper and, every function a unit of its own, translated. */
class Pair {
  readonly step: TestMachine;
  readonly jit: TestMachine;
  readonly at: (name: string) => Addr;

  constructor(build: (a: Assembler, labels: Labels) => void) {
    this.step = testMachine();
    this.jit = testMachine({ engine: 'jit', translator: { threshold: 2, maxInline: 0, patience: 0 } });
    const labels: Labels = {};
    const asm = this.both.map((t) => place(t, (a) => build(a, labels)))[0]!;
    const addresses = new Map(Object.entries(labels).map(([name, label]) => [name, asm.addressOf(label)]));
    this.at = (name) => addresses.get(name)!;
  }

  get both(): TestMachine[] {
    return [this.step, this.jit];
  }

  translate(...names: string[]): void {
    for (const name of names) expect(this.jit.machine.translator!.translate(this.at(name)), name).toBeDefined();
  }

  /** Both at a function, called from the host's `hlt`. */
  enter(name: string): void {
    for (const { machine, memory, data } of this.both) {
      const { cpu } = machine;
      memory.fillBytes(STACK_TOP - 4096, 0, 4096);
      memory.fillBytes(data, 0, 4096);
      for (let r = 0; r < 16; r++) cpu.setReg64(r, BigInt(r + 1) * 0x0101_0101_0101n);
      memory.writeAddr(STACK_TOP - 8, machine.haltAddress);
      cpu.setReg(RSP, STACK_TOP - 8);
      cpu.setReg(r12, data);
      cpu.rflags = 0x202;
      cpu.rip = this.at(name);
    }
  }

  /** Runs both; what differed. */
  run(budget?: number): string {
    const a = this.step.machine.run(budget);
    const b = this.jit.machine.run(budget);
    if (outcome(a) !== outcome(b)) return `${outcome(a)} and ${outcome(b)}`;
    expect(difference(this.step, this.jit)).toBeUndefined();
    return outcome(a).trim();
  }

  /** Instructions that the jit machine's stepper executes meanwhile. */
  stepped(during: () => void): number {
    const { stepper } = this.jit.machine as unknown as { stepper: { run(n: number): unknown; executed: number } };
    const run = stepper.run;
    let count = 0;
    stepper.run = function (n) {
      const exit = run.call(this, n);
      count += stepper.executed;
      return exit;
    };
    during();
    stepper.run = run;
    return count;
  }
}

const enter = (a: Assembler): Assembler =>
  a.op('endbr64').op('push r64', rbp).op('mov r/m64, r64', rbp, rsp).op('push r64', rbx);
const leave = (a: Assembler): Assembler => a.op('pop r64', rbx).op('leave').op('ret');

/** outer calls middle in a loop, middle calls inner, which loops, stores, and makes a hypercall in the middle. */
function threeDeep(a: Assembler, l: Labels): void {
  l['inner'] = a.bind();
  enter(a).op('mov r/m64, r64', rbx, rdi).op('add r/m64, imm8', rbx, 5).op('mov r32, imm32', rcx, 3);
  const loop = a.bind();
  a.op('add r/m64, r64', rbx, rcx).op('mov r/m64, r64', mem({ base: r12, index: rcx, scale: 8 }), rbx);
  a.op('sub r/m64, imm8', rcx, 1).op('jne rel32', loop);
  l['call'] = a.bind();
  a.op('mov r32, imm32', rax, 7).op('vmcall');
  l['load'] = a.bind();
  a.op('mov r64, r/m64', rdx, at(rsi))
    .op('add r/m64, r64', rbx, rdx)
    .op('lea r64, m', rax, mem({ base: rbx, disp: 1 }));
  leave(a);
  l['middle'] = a.bind();
  enter(a).op('mov r/m64, r64', rbx, rdi).op('call rel32', l['inner']!);
  l['behind'] = a.bind();
  a.op('mov r32, imm32', rcx, 0).op('setb r/m8', rcx).op('add r/m64, r64', rax, rcx).op('add r/m64, r64', rax, rbx);
  leave(a);
  l['outer'] = a.bind();
  enter(a).op('mov r32, imm32', r14, 4);
  const again = a.bind();
  a.op('mov r/m64, r64', rdi, r14).op('mov r/m64, r64', rsi, r12).op('call rel32', l['middle']!);
  a.op('add r/m64, r64', at(r12, 64), rax).op('sub r/m64, imm8', r14, 1).op('jne rel32', again);
  leave(a);
}

const UNITS = ['inner', 'middle', 'outer'];

describe('a call of another unit', () => {
  it('comes back with registers, flags and budget, without the run loop', () => {
    const p = new Pair(threeDeep);
    for (const t of p.both) t.machine.onVmcall = () => {};
    p.translate(...UNITS);
    p.enter('outer');
    expect(p.stepped(() => expect(p.run()).toBe('halt'))).toBe(0);
    expect(p.jit.machine.translator!.compiled).toBe(3);
  });

  it('ends exactly where any budget does, and goes on from there', () => {
    const p = new Pair(threeDeep);
    for (const t of p.both) {
      t.machine.mark(
        CODE,
        Uint8Array.from({ length: 400 }, (_, n) => (n * 7) % 3),
      );
      t.machine.onVmcall = () => t.machine.cpu.setReg(RAX, t.machine.marked);
    }
    let ends = 0;
    for (let budget = 1; ends < 3; budget += many(5, 1)) {
      p.jit.machine.invalidate(CODE, CODE_BYTES);
      p.translate(...UNITS);
      p.enter('outer');
      if (p.run(budget) === 'halt') ends++;
      else expect(p.run()).toBe('halt');
    }
    // and in small pieces all the way
    for (const piece of [1, 2, 3, 7, 19, 50]) {
      p.enter('outer');
      while (p.run(piece) !== 'halt');
    }
  });

  it('faults two calls deep', () => {
    const p = new Pair(threeDeep);
    for (const address of [VM_DATA + 2 * 4096, 0, 0x1234_5678_0000]) {
      for (const t of p.both) t.machine.onVmcall = () => t.machine.cpu.setReg(rsi, address);
      p.translate(...UNITS);
      p.enter('outer');
      expect(p.run()).toMatch(/^fault/);
      expect(p.jit.machine.cpu.rip).toBe(p.at('load'));
    }
    // one that is resolved goes on in the middle of it all
    for (const t of p.both) {
      t.machine.onVmcall = () => t.machine.cpu.setReg(rsi, 0);
      t.machine.onFault = () => {
        t.machine.cpu.setReg(rsi, t.data);
        return true;
      };
    }
    p.enter('outer');
    expect(p.run()).toBe('halt');
  });

  it.each(['behind', 'load', 'inner', 'middle', 'outer'])('notices that %s is patched below it', (what) => {
    const p = new Pair(threeDeep);
    for (const t of p.both) {
      let calls = 0;
      t.machine.onVmcall = () => {
        // mov eax, 1 over it, and back
        calls++;
        if (calls === 2) t.machine.patch(p.at(what), Uint8Array.of(0xb8, 1, 0, 0, 0));
      };
    }
    p.translate(...UNITS);
    p.enter('outer');
    const end = p.run(400);
    expect(['halt', 'budget', 'fault']).toContain(end.split(' ')[0]);
  });

  it('a handler may change what it likes, and call back', () => {
    const p = new Pair((a, l) => {
      l['callback'] = a.bind();
      enter(a).op('add r/m64, r64', at(r12, 128), rdi).op('cmp r/m64, imm8', rdi, 2).op('mov r/m64, r64', rax, rdi);
      leave(a);
      threeDeep(a, l);
    });
    for (let kind = 0; kind < 8; kind++) {
      for (const t of p.both) {
        const { machine } = t;
        const { cpu } = machine;
        machine.mark(
          CODE,
          Uint8Array.from({ length: 400 }, () => 1),
        );
        machine.onVmcall = () => {
          if (kind & 1) for (let i = 0; i < 5; i++) machine.call(p.at('callback'), [halves(i)]);
          if (kind & 2) cpu.rflags ^= 0x411;
          if (kind & 4) cpu.setReg(rbx, machine.insns * 1000 + machine.marked);
          cpu.setReg(RAX, cpu.rflags);
        };
      }
      p.translate('callback', ...UNITS);
      p.enter('outer');
      expect(p.stepped(() => expect(p.run()).toBe('halt'))).toBeLessThan(10);
      for (const budget of full ? [30, 40, 41, 42, 43, 44, 45, 60, 100] : [41, 44, 60]) {
        p.enter('outer');
        p.run(budget);
        expect(p.run()).toBe('halt');
      }
    }
  });

  it('returns only to where it was called, with the stack as it was', () => {
    const p = new Pair((a, l) => {
      l['plain'] = a.bind();
      a.op('add r/m64, imm8', rax, 1).op('ret');
      // returns one instruction farther
      l['skips'] = a.bind();
      a.op('add r/m64, imm8', at(rsp), 4).op('ret');
      // drops its caller
      l['drops'] = a.bind();
      a.op('add r/m64, imm8', rsp, 8).op('mov r/m64, imm32', rax, 77).op('ret');
      // takes an argument off the stack
      l['pops'] = a.bind();
      a.op('mov r64, r/m64', rax, at(rsp, 8)).op('ret imm16', 8);
      // returns with another frame pointer
      l['frame'] = a.bind();
      a.op('lea r64, m', rbp, mem({ base: rbp, disp: -8 })).op('ret');
      l['middle'] = a.bind();
      a.op('call rel32', l['drops']!).op('mov r/m64, imm32', rax, 1).op('ret');
      l['outer'] = a.bind();
      enter(a);
      a.op('call rel32', l['plain']!).op('call rel32', l['skips']!).op('add r/m64, imm8', rax, 100);
      a.op('call rel32', l['middle']!).op('push r64', rax).op('call rel32', l['pops']!);
      a.op('mov r/m64, r64', at(rbp, -16), rax).op('call rel32', l['frame']!).op('mov r/m64, r64', at(rbp, -16), rax);
      a.op('add r/m64, imm8', rbp, 8);
      leave(a);
    });
    p.translate('plain', 'skips', 'drops', 'frame', 'middle', 'outer');
    for (let i = 0; i < 20; i++) {
      p.enter('outer');
      expect(p.run()).toBe('halt');
    }
  });

  it('nests deeper than WebAssembly could', () => {
    const p = new Pair((a, l) => {
      l['down'] = a.bind();
      const out = a.label();
      a.op('sub r/m64, imm8', rdi, 1).op('je rel32', out).op('call rel32', l['down']).op('add r/m64, imm8', rax, 3);
      a.bind(out);
      a.op('ret');
    });
    p.translate('down');
    for (const t of p.both) {
      // a stack of 8 MiB
      const bytes = 8 << 20;
      const stack = t.memory.allocPages(bytes / 4096);
      const top = VM_DATA + 0x1000_0000 + bytes - 64;
      t.memory.map(top + 64 - bytes, stack, bytes, { write: true });
      const { cpu } = t.machine;
      for (let r = 0; r < 16; r++) cpu.setReg(r, 0);
      cpu.setReg(RSP, top);
      t.machine.insns = 0;
      expect(t.machine.call(p.at('down'), [halves(1_000_000)]).reason).toBe('halt');
    }
    expect(p.jit.machine.cpu.reg(RAX)).toBe(3 * 999_999);
    expect(difference(p.step, p.jit)).toBeUndefined();
  });
});

describe('a new stack', () => {
  /** As a system call's entry: the kernel's stack pointer comes from per-CPU memory, and the caller's goes back. */
  function entry(a: Assembler, l: Labels): void {
    const perCpu = (disp: number) => mem({ disp, segment: 'gs' });
    l['leaf'] = a.bind();
    enter(a).op('lea r64, m', rax, mem({ base: rdi, disp: 9 }));
    leave(a);
    l['entry'] = a.bind();
    a.op('swapgs').op('mov r/m64, r64', perCpu(0), rsp).op('mov r64, r/m64', rsp, perCpu(8));
    l['kernel'] = a.bind();
    a.op('push imm8', 0x2b).op('push r/m64', perCpu(0)).op('push r64', rbp);
    a.op('mov r/m64, r64', rdi, rsp).op('call rel32', l['leaf']).op('pop r64', rbp);
    a.op('mov r64, r/m64', rsp, at(rsp));
    l['user'] = a.bind();
    a.op('swapgs').op('jmp r/m64', r14);
  }

  it('is another unit, whatever rsp was before', () => {
    const p = new Pair(entry);
    const start = (): void => {
      p.enter('entry');
      for (const { machine, memory, data } of p.both) {
        machine.cpu.gsBase = 0x5555;
        machine.cpu.kernelGsBase = data + 256;
        memory.writeAddr(data + 256 + 8, STACK_TOP);
        machine.cpu.setReg(RSP, 0x7fff_1234_5678);
        machine.cpu.setReg(r14, machine.haltAddress);
      }
    };
    p.translate('leaf', 'entry', 'kernel', 'user');
    for (let i = 0; i < 60; i++) {
      start();
      expect(p.run()).toBe('halt');
      for (const { machine, data } of p.both) {
        expect(machine.cpu.gsBase).toBe(0x5555);
        expect(machine.cpu.kernelGsBase).toBe(data + 256);
        expect(machine.cpu.reg(RSP)).toBe(0x7fff_1234_5678);
      }
    }
    start();
    expect(p.stepped(() => expect(p.run()).toBe('halt'))).toBe(0);
    for (let budget = 1; budget < 25; budget++) {
      start();
      if (p.run(budget) !== 'halt') expect(p.run()).toBe('halt');
    }
    // a stack that is not there: the first push faults, with everything as it was before it
    start();
    for (const { memory, data } of p.both) memory.writeAddr(data + 256 + 8, VM_DATA - 64);
    expect(p.run()).toMatch(/^fault/);
    expect(p.jit.machine.cpu.rip).toBe(p.at('kernel'));
  });
});

describe('calls and jumps that go to several places', () => {
  /** `outer` goes through `table` at r12 by turns, by a call or by a jump in `between`. */
  function turns(a: Assembler, l: Labels): void {
    for (const n of [0, 1, 2]) {
      l[`leaf${n}`] = a.bind();
      a.op('lea r64, m', rax, mem({ base: rdi, disp: 10 * n })).op('ret');
      // where a tail call arrives, behind the start of a frame
      a.op('endbr64').op('push r64', rbp).op('mov r/m64, r64', rbp, rsp);
      l[`tail${n}`] = a.bind();
      a.op('endbr64').op('sub r/m64, imm8', rsp, 16).op('mov r/m64, r64', at(rbp, -8), rdi);
      a.op('lea r64, m', rax, mem({ base: rdi, disp: 20 * n }))
        .op('leave')
        .op('ret');
    }
    l['between'] = a.bind();
    a.op('push r64', rbp).op('mov r/m64, r64', rbp, rsp).op('sub r/m64, imm8', rsp, 32).op('add r/m64, imm8', rsp, 32);
    a.op('jmp r/m64', rcx);
    l['outer'] = a.bind();
    enter(a).op('mov r32, imm32', r14, 30);
    const again = a.bind();
    a.op('mov r/m64, r64', rdi, r14).op('mov r/m64, r64', rax, r14).op('xor r/m32, r32', rdx, rdx);
    a.op('mov r32, imm32', rcx, 3).op('div r/m64', rcx);
    a.op('mov r64, r/m64', rcx, mem({ base: r12, index: rdx, scale: 8, disp: 512 })).op('call r/m64', rcx);
    a.op('mov r64, r/m64', rcx, mem({ base: r12, index: rdx, scale: 8, disp: 536 })).op('call rel32', l['between']);
    a.op('add r/m64, r64', at(r12, 64), rax).op('sub r/m64, imm8', r14, 1).op('jne rel32', again);
    leave(a);
  }

  it('find the units there', () => {
    const p = new Pair(turns);
    const start = (): void => {
      p.enter('outer');
      for (const { memory, data } of p.both) {
        for (const n of [0, 1, 2]) {
          memory.writeAddr(data + 512 + 8 * n, p.at(`leaf${n}`));
          memory.writeAddr(data + 536 + 8 * n, p.at(`tail${n}`));
        }
      }
    };
    for (let i = 0; i < 100; i++) {
      start();
      expect(p.run()).toBe('halt');
    }
    start();
    expect(p.stepped(() => expect(p.run()).toBe('halt'))).toBe(0);
    for (let budget = 1; budget < 700; budget += 3) {
      start();
      if (p.run(budget) !== 'halt') expect(p.run()).toBe('halt');
    }
    // one of the targets changes while it is in the table
    for (const t of p.both) t.machine.patch(p.at('leaf1'), Uint8Array.of(0xc3));
    start();
    expect(p.run()).toBe('halt');
  });
});
