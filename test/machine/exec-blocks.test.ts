/**
 * The stepper's two ways of executing against each other: blocks of micro-operations and single instructions
 * (which cpu-diff holds against a processor), on random sequences, with random budgets, faults and patches.
 */
import { describe, expect, it } from 'vitest';
import { CpuState } from '../../src/machine/cpu.ts';
import { createStepper } from '../../src/machine/exec/index.ts';
import { EXIT, type Stepper } from '../../src/machine/executor.ts';
import { Machine } from '../../src/machine/machine.ts';
import { GuestMemory } from '../../src/machine/memory.ts';
import { Assembler, at, conditions, form, type Operand, r8, rbp, rbx, rsp, table } from '../../src/x86/index.ts';
import { many } from '../support/depth.ts';
import { Random } from './cpu-diff/random.ts';

const CODE = -0x4000_0000;
const CODE_BYTES = 0x4000;
const DATA = -0x3600_0000_0000;
const DATA_BYTES = 0x2000;
const MIDDLE = DATA + 0x1000;
const STACK = MIDDLE + 0x800;

class Fixture {
  readonly memory = new GuestMemory({ bytes: 128 << 20 });
  readonly cpu = new CpuState(this.memory);
  readonly stepper: Stepper = createStepper(this.memory, this.cpu);
  private readonly code = this.memory.allocPages(CODE_BYTES / 4096, 'image');
  private readonly data = this.memory.allocPages(DATA_BYTES / 4096);

  constructor() {
    this.memory.map(CODE, this.code, CODE_BYTES, { exec: true });
    this.memory.map(DATA, this.data, DATA_BYTES, { write: true });
    this.memory.u8.fill(0xcc, this.code, this.code + CODE_BYTES);
  }

  load(bytes: Uint8Array, seed: number): void {
    const { memory, cpu, stepper } = this;
    memory.u8.fill(0xcc, this.code, this.code + CODE_BYTES);
    memory.u8.set(bytes, this.code);
    stepper.invalidate(CODE, CODE_BYTES);
    const random = new Random(seed);
    for (let i = 0; i < DATA_BYTES; i += 4) memory.u32[(this.data + i) >> 2] = random.u32();
    for (let i = 0; i < 16; i++) cpu.setReg64(i, random.value());
    cpu.setReg(rbx, MIDDLE);
    cpu.setReg(rsp, STACK);
    cpu.rflags = 2 | (random.u32() & 0x8d5);
    cpu.rip = CODE;
  }

  state(): string {
    const { cpu, memory, stepper } = this;
    const sum = memory.u32
      .subarray(this.data >> 2, (this.data + DATA_BYTES) >> 2)
      .reduce((a, v) => (Math.imul(a, 31) + v) | 0, 7);
    const fault = stepper.fault;
    return [
      ...Array.from(cpu.regs64, (v, i) => `r${i}=${v.toString(16)}`),
      `rip=${cpu.rip - CODE}`,
      `flags=${cpu.rflags.toString(16)}`,
      `memory=${sum}`,
      `fault=${fault ? `${fault.kind} ${fault.address ?? ''} ${fault.errorCode}` : ''}`,
    ].join('\n');
  }

  /** To the end in steps of at most `limit`; instructions executed. */
  finish(limit: (done: number) => number, most = 10_000): number {
    let done = 0;
    while (done < most) {
      const exit = this.stepper.run(Math.min(limit(done), most - done));
      done += this.stepper.executed;
      if (exit !== EXIT.budget) break;
    }
    return done;
  }
}

const HOT =
  /^(add|sub|and|or|xor|cmp|test|mov|movzx|movsx|movsxd|lea|shl|shr|sar|imul|neg|not|bswap|push|pop|shlx|shrx|sarx|rorx|cdqe|cqo|set.*|cmov.*|adc|sbb|inc|dec|rol|ror|rcl|bt|bts|lahf|sahf|pushfq|popfq|cli|sti|cld|std|swapgs|div|idiv|xchg|xadd|cmpxchg|mul|cbw|cwde|popcnt|tzcnt|bsf|nop|j[a-z]+|movs[bq]|stos[dq]|leave)$/;
const rows = table
  .map((_, row) => row)
  .filter((row) => HOT.test(form(row).mnemonic) && form(row).operands.every((o) => o.place !== 'moffs'));
/** Where most of a compiler's code is: these come up half of the time. */
const common = rows.filter((row) =>
  /^(add|sub|and|or|xor|cmp|test|mov|shl|shr|sar|j.*) r\/?m?(32|64)|^j/.test(form(row).syntax),
);

/** A straight run with forward branches; memory operands are near rbx, which nothing writes, sometimes wild. */
function sequence(random: Random, length: number): Uint8Array {
  const asm = new Assembler(CODE);
  const end = asm.label('end');
  for (let n = 0; n < length; n++) {
    const f = form(random.chance(50) ? random.pick(common) : random.pick(rows));
    if (f.mnemonic === 'jmp' && f.operands[0]?.place !== 'rel') continue;
    if (f.mnemonic === 'jrcxz') continue;
    const operands: Operand[] = [];
    for (const [i, o] of f.operands.entries()) {
      if (o.place === 'fixed') continue;
      if (o.place === 'rel')
        operands.push(
          o.size === 1 ? asm.here + 2 + random.below(20) : random.chance(80) ? asm.here + 6 + random.below(20) : end,
        );
      else if (o.place === 'imm')
        operands.push(o.size === 8 ? random.value() : Number(BigInt.asIntN(o.size * 8, random.value())));
      else if (o.allowMem && (!o.allowReg || random.chance(40))) {
        operands.push(random.chance(97) ? at(rbx, random.below(3000) - 1500) : at(random.below(16), random.below(100)));
      } else {
        let n = random.below(16);
        while (n === rbx || n === rsp || (n === rbp && i === 0)) n = random.below(16);
        operands.push(o.size === 1 && n >= 4 && n < r8 ? 0 : n);
      }
    }
    asm.op(f.syntax, operands[0], operands[1], operands[2]);
  }
  asm.bind(end);
  return asm.bytes();
}

describe('micro-operations', () => {
  it('do what single steps do, on random sequences', () => {
    const fixture = new Fixture();
    const random = new Random(31);
    let executed = 0;
    for (let n = 0; n < many(200, 1500); n++) {
      const bytes = sequence(random, 1 + random.below(40));
      const seed = random.u32();
      fixture.load(bytes, seed);
      const single = fixture.finish(() => 1);
      const expected = fixture.state();
      fixture.load(bytes, seed);
      const block = fixture.finish(() => 10_000);
      expect(`${block} instructions\n${fixture.state()}`, `sequence ${n}: ${Buffer.from(bytes).toString('hex')}`).toBe(
        `${single} instructions\n${expected}`,
      );
      executed += single;
    }
    expect(executed).toBeGreaterThan(many(600, 5000));
  });

  it('compare and branch as the flags say, at every boundary', () => {
    const fixture = new Fixture();
    const values = [
      0n,
      1n,
      2n,
      0x7fffffffn,
      0x80000000n,
      0xffffffffn,
      0x100000000n,
      0x7fffffff00000000n,
      -1n,
      -2n,
      -(1n << 63n),
      (1n << 63n) - 1n,
    ];
    for (const compare of ['cmp r/m64, r64', 'cmp r/m32, r32', 'test r/m64, r64', 'test r/m32, r32']) {
      for (const [cc] of conditions) {
        const asm = new Assembler(CODE)
          .op(compare, 0, 1)
          .op(`j${cc} rel8`, CODE + 20)
          .op('mov r32, imm32', 2, 1)
          .op('int3');
        const bytes = asm.bytes();
        fixture.load(bytes, 1);
        for (const a of values) {
          for (const b of values) {
            const states = [1, 1000].map((limit) => {
              fixture.cpu.setReg64(0, a);
              fixture.cpu.setReg64(1, b);
              fixture.cpu.setReg64(2, 0n);
              fixture.cpu.rip = CODE;
              fixture.finish(() => limit);
              return [fixture.cpu.rip - CODE, fixture.cpu.reg(2), fixture.cpu.rflags];
            });
            expect(states[1], `${compare} of ${a} and ${b}, j${cc}`).toEqual(states[0]);
          }
        }
      }
    }
  });

  it('stop after exactly the budget', () => {
    const fixture = new Fixture();
    const random = new Random(5);
    // 100 rounds of a loop of 7 instructions
    const asm = new Assembler(CODE);
    asm.op('mov r32, imm32', 1, 100);
    const top = asm.bind();
    asm
      .op('add r/m64, r64', 0, 1)
      .op('mov r/m64, r64', at(rbx), 0)
      .op('xor r/m64, r64', 2, 0)
      .op('imul r64, r/m64', 2, at(rbx));
    asm.op('sub r/m64, imm8', 1, 1).op('jne rel8', top).op('int3');
    for (let n = 0; n < 60; n++) {
      const seed = random.u32();
      const most = 1 + random.below(700);
      fixture.load(asm.bytes(), seed);
      const single = fixture.finish(() => 1, most);
      const expected = fixture.state();
      fixture.load(asm.bytes(), seed);
      const budget = 1 + random.below(200);
      const block = fixture.finish(() => budget, most);
      expect([block, fixture.state()]).toEqual([single, expected]);
    }
  });

  it('see patched text at its next execution, in the middle of a chain too', () => {
    const fixture = new Fixture();
    const { memory, cpu, stepper } = fixture;
    const asm = new Assembler(CODE);
    const top = asm.bind();
    asm
      .op('call rel32', CODE + 0x100)
      .op('add r/m64, imm8', 1, 1)
      .op('cmp r/m64, imm32', 1, 1000)
      .op('jb rel8', top)
      .op('int3');
    fixture.load(asm.bytes(), 1);
    const callee = new Assembler(CODE + 0x100).nops(5).op('add r/m64, imm8', 0, 1).op('ret').bytes();
    memory.pokeBytes(CODE + 0x100, callee);
    stepper.invalidate(CODE + 0x100, callee.length);
    cpu.setReg(0, 0);
    cpu.setReg(1, 0);
    stepper.run(600);
    const before = cpu.reg(0);
    expect(before).toBeGreaterThan(80);
    memory.pokeBytes(CODE + 0x100, new Assembler(CODE + 0x100).op('jmp rel32', CODE + 0x200).bytes());
    stepper.invalidate(CODE + 0x100, 5);
    memory.pokeBytes(CODE + 0x200, new Assembler(CODE + 0x200).op('ret').bytes());
    stepper.invalidate(CODE + 0x200, 1);
    stepper.run(100_000);
    expect(stepper.fault?.kind).toBe('bp');
    expect(cpu.reg(0)).toBeLessThanOrEqual(before + 1);
    expect(cpu.reg(1)).toBe(1000);
  });

  it('are forgotten with their mapping', () => {
    const memory = new GuestMemory({ bytes: 128 << 20 });
    const machine = new Machine(memory);
    const stack = memory.allocPages(1);
    memory.map(DATA, stack, 4096, { write: true });
    machine.cpu.setReg(rsp, DATA + 4096);
    for (const value of [1, 2]) {
      const page = memory.allocPages(1, 'image');
      memory.u8.set(new Assembler(CODE).op('mov r32, imm32', 0, value).op('ret').bytes(), page);
      memory.map(CODE, page, 4096, { exec: true });
      expect(machine.call(CODE).reason).toBe('halt');
      expect(machine.cpu.reg(0)).toBe(value);
      memory.unmap(CODE, 4096);
      expect(machine.call(CODE)).toMatchObject({
        reason: 'fault',
        fault: { kind: 'page', errorCode: 16, address: CODE },
      });
      machine.cpu.setReg(rsp, DATA + 4096);
    }
  });

  it('fetch across pages, and fault at the instruction whose rest is not there', () => {
    const fixture = new Fixture();
    const { cpu, stepper, memory } = fixture;
    const end = CODE + CODE_BYTES;
    for (const split of [1, 3, 6]) {
      const start = end - split - 4;
      const bytes = new Assembler(start)
        .op('add r/m64, imm8', 0, 1)
        .op('add r/m64, imm32', 0, 0x1000)
        .op('int3')
        .bytes();
      fixture.load(new Uint8Array(), 1);
      memory.pokeBytes(start, bytes.subarray(0, end - start));
      stepper.invalidate(start, end - start);
      cpu.setReg(0, 0);
      cpu.rip = start;
      expect(stepper.run(1000)).toBe(EXIT.fault);
      expect(stepper.fault).toMatchObject({ kind: 'page', errorCode: 16, rip: start + 4, address: end });
      expect([cpu.rip, cpu.reg(0), stepper.executed]).toEqual([start + 4, 1, 1]);
      memory.map(end, memory.allocPages(1, 'image'), 4096, { exec: true });
      memory.pokeBytes(end, bytes.subarray(end - start));
      stepper.invalidate(end, 4096);
      stepper.run(1000);
      expect([stepper.fault?.kind, cpu.reg(0)]).toEqual(['bp', 0x1001]);
      // bytes that are no instruction, the last of them behind the boundary, are #UD where they start
      memory.pokeBytes(end - 1, Uint8Array.of(0x0f, 0xff));
      stepper.invalidate(end - 1, 2);
      cpu.rip = end - 1;
      stepper.run(1000);
      expect(stepper.fault).toMatchObject({ kind: 'ud', rip: end - 1, bytes: Uint8Array.of(0x0f, 0xff) });
      memory.unmap(end, 4096);
      stepper.invalidate(end, 4096);
    }
  });

  it('trap after each instruction while TF is set', () => {
    const fixture = new Fixture();
    const { cpu, stepper } = fixture;
    fixture.load(new Assembler(CODE).op('mov r32, imm32', 0, 5).op('add r/m32, imm8', 0, 1).op('int3').bytes(), 2);
    cpu.rflags |= 0x100;
    expect(stepper.run(1000)).toBe(EXIT.fault);
    expect([stepper.fault?.kind, cpu.rip, stepper.executed, cpu.reg(0)]).toEqual(['db', CODE + 5, 1, 5]);
    cpu.rflags &= ~0x100;
    stepper.run(1000);
    expect([stepper.fault?.kind, cpu.reg(0)]).toEqual(['bp', 6]);
  });

  it('leave a string instruction where it can go on after a fault', () => {
    const fixture = new Fixture();
    const { cpu, stepper, memory } = fixture;
    fixture.load(new Assembler(CODE).op('rep stosq').op('int3').bytes(), 3);
    cpu.setReg(7, DATA + DATA_BYTES - 24);
    cpu.setReg(1, 5);
    cpu.setReg(0, 0x1234);
    expect(stepper.run(1000)).toBe(EXIT.fault);
    expect(stepper.fault).toMatchObject({ kind: 'page', address: DATA + DATA_BYTES, errorCode: 2 });
    expect([cpu.rip, cpu.reg(1), cpu.reg(7), stepper.executed]).toEqual([CODE, 2, DATA + DATA_BYTES, 0]);
    memory.map(DATA + DATA_BYTES, memory.allocPages(1), 4096, { write: true });
    stepper.run(1000);
    expect([stepper.fault?.kind, cpu.reg(1), memory.readAddr(DATA + DATA_BYTES + 8)]).toEqual(['bp', 0, 0x1234]);
  });

  it('end a run between two turns of a string instruction', () => {
    const fixture = new Fixture();
    const { cpu, stepper } = fixture;
    const COUNT = 0x1000;
    for (const [syntax, turns] of [
      ['rep lodsb', COUNT],
      ['rep movsb', COUNT / 64],
      ['rep stosq', COUNT / 8],
    ] as const) {
      fixture.load(new Assembler(CODE).op(syntax).op('int3').bytes(), 5);
      cpu.rflags &= ~0x400;
      cpu.setReg(6, DATA);
      cpu.setReg(7, syntax === 'rep movsb' ? DATA + COUNT : DATA);
      cpu.setReg(1, syntax === 'rep stosq' ? COUNT / 8 : COUNT);
      const [elements, unit] = syntax === 'rep stosq' ? [COUNT / 8, 8] : [COUNT, COUNT / turns];
      expect([syntax, stepper.run(60), stepper.executed, cpu.rip]).toEqual([syntax, EXIT.budget, 60, CODE]);
      expect(cpu.reg(1)).toBe(elements - 60 * unit);
    }
  });

  it('count repeated string instructions alike, wherever runs end', () => {
    const fixture = new Fixture();
    const { cpu } = fixture;
    const random = new Random(77);
    const repeated = table
      .map((r) => r.syntax)
      .filter((syntax) => /^(movs|stos|lods|cmps|scas)[bwdq]$/.test(syntax))
      .flatMap((syntax) => (/^[cs](mp|ca)s/.test(syntax) ? [`repe ${syntax}`, `repne ${syntax}`] : [`rep ${syntax}`]));
    expect(repeated.length).toBe(28);
    for (let n = 0; n < many(150, 1500); n++) {
      const syntax = random.pick(repeated);
      const asm = new Assembler(CODE).op('nop').op('nop');
      const bytes = asm
        .op(random.chance(20) ? 'std' : 'cld')
        .op(syntax)
        .op('inc r/m64', 0)
        .op('int3')
        .bytes();
      const seed = random.u32();
      const from = DATA + random.below(DATA_BYTES);
      const to = random.chance(40) ? from + random.below(100) - 50 : DATA + random.below(DATA_BYTES);
      const count = random.below(random.chance(50) ? 100 : 3000);
      const alike = random.chance(70);
      const outcome = (limit: () => number): string => {
        fixture.load(bytes, seed);
        // what compares as equal for long, else most comparisons end at the first element
        if (alike) for (let a = 0; a < DATA_BYTES; a += 8) fixture.memory.writeBytes(DATA + a, new Uint8Array(8));
        if (alike) cpu.setReg(0, 0);
        cpu.setReg(6, from);
        cpu.setReg(7, to);
        cpu.setReg(1, count);
        return `${fixture.finish(limit, 1e6)} instructions\n${fixture.state()}`;
      };
      const whole = outcome(() => 1e6);
      expect(
        outcome(() => 1),
        `${syntax}, ${n}`,
      ).toBe(whole);
      expect(
        outcome(() => 1 + random.below(300)),
        `${syntax}, ${n}`,
      ).toBe(whole);
    }
  });

  it('name the bytes that are no instruction', () => {
    const fixture = new Fixture();
    fixture.load(Uint8Array.of(0x90, 0x0f, 0xff, 0xc0), 4);
    expect(fixture.stepper.run(100)).toBe(EXIT.fault);
    expect(fixture.stepper.fault).toMatchObject({ kind: 'ud', rip: CODE + 1, bytes: Uint8Array.of(0x0f, 0xff) });
    expect(fixture.stepper.fault?.message).toContain('bytes 0f ff');
  });
});
