/** The translator's stages, each by itself; goldens are in golden/ (`vitest -u` writes them again). */

import { describe, expect, it } from 'vitest';
import type { Addr } from '../../src/machine/addr.ts';
import { RAX } from '../../src/machine/cpu.ts';
import { Calls } from '../../src/machine/translate/emit/calls.ts';
import { emitUnit } from '../../src/machine/translate/emit/unit.ts';
import type { AddressClass } from '../../src/machine/translate/ir/address-class.ts';
import type { Block, Unit } from '../../src/machine/translate/ir/ir.ts';
import { formatUnit } from '../../src/machine/translate/ir/text.ts';
import { DYNAMIC } from '../../src/machine/translate/ir/uop.ts';
import { buildUnit } from '../../src/machine/translate/lift/build.ts';
import { nestedAt, shapeAt } from '../../src/machine/translate/lift/shape.ts';
import { joinChecks } from '../../src/machine/translate/passes/checks.ts';
import { analyseFlow } from '../../src/machine/translate/passes/flow.ts';
import { dropDead, flagStates } from '../../src/machine/translate/passes/passes.ts';
import { I32, ModuleBuilder } from '../../src/machine/wasm/encoder.ts';
import { printBody } from '../../src/machine/wasm/print.ts';
import { type Assembler, at, GPR, mem } from '../../src/x86/index.ts';
import { CODE, halves, place, Random, type TestMachine, testMachine, VM_DATA } from './support.ts';

const { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r13 } = GPR;

const guess = (_rip: Addr, cls: AddressClass): AddressClass => cls;

function unitAt(t: TestMachine, entry: Addr, maxInline = 100): Unit {
  const shapes = (rip: Addr) => shapeAt(t.memory, rip);
  const unit = buildUnit(entry, {
    shapeAt: shapes,
    classOf: guess,
    targetOf: () => undefined,
    isPolymorphic: () => false,
    gsBase: 0,
    bp: DYNAMIC,
    within: undefined,
    maxInsns: 1000,
    maxInline,
  });
  if (typeof unit === 'string') throw new Error(unit);
  return unit;
}

function optimised(t: TestMachine, entry: Addr, maxInline?: number): Unit {
  const unit = unitAt(t, entry, maxInline);
  const flow = analyseFlow(unit);
  if (flow.reducible) joinChecks(unit, flow);
  dropDead(unit, flow);
  return unit;
}

function webAssembly(unit: Unit): string {
  const flow = analyseFlow(unit);
  const module = new ModuleBuilder(2048);
  const vmcall = module.import('vmcall', [], [I32]);
  const settle = module.import('settle', [], [I32]);
  const { body, need } = emitUnit(unit, flow, flagStates(unit, flow), {
    module,
    vmcall,
    settle,
    calls: Calls.declare(module),
    slotOf: (entry) => (entry - CODE) & 0xfff,
    window: { end: 128 << 20 },
  });
  return `needs ${need}\n${printBody(body)}`;
}

/** Counts set bits in bytes of a buffer: a loop, loads through a pointer, flags that a branch reads. */
function counting(a: Assembler): void {
  const loop = a.label();
  const skip = a.label();
  a.op('xor r/m32, r32', rax, rax).op('test r/m64, r64', rsi, rsi).op('je rel32', skip);
  a.bind(loop);
  a.op('movzx r32, r/m8', rcx, at(rdi)).op('add r/m64, r64', rax, rcx).op('add r/m64, imm8', rdi, 1);
  a.op('sub r/m64, imm8', rsi, 1).op('jne rel32', loop);
  a.bind(skip);
  a.op('ret');
}

/** As the JIT writes a function with a subprogram: frames, saved registers, a call. */
function calling(a: Assembler): void {
  const leaf = a.label();
  a.op('endbr64').op('push r64', rbp).op('mov r/m64, r64', rbp, rsp).op('sub r/m64, imm8', rsp, 16);
  a.op('mov r/m64, r64', at(rbp, -8), rdi)
    .op('call rel32', leaf)
    .op('add r64, r/m64', rax, at(rbp, -8))
    .op('leave')
    .op('ret');
  a.bind(leaf);
  a.op('endbr64').op('push r64', rbp).op('mov r/m64, r64', rbp, rsp).op('push r64', rbx);
  a.op('mov r/m64, r64', rbx, rdi)
    .op('shl r/m64, imm8', rbx, 1)
    .op('lea r64, m', rax, mem({ base: rbx, disp: 3 }));
  a.op('pop r64', rbx).op('leave').op('ret');
}

/** A hypercall and an atomic compare-and-exchange loop. */
function calls(a: Assembler): void {
  const again = a.label();
  a.op('mov r32, imm32', rax, 12).op('vmcall').op('mov r64, r/m64', rax, at(rdi));
  a.bind(again);
  a.op('mov r/m64, r64', rdx, rax).op('or r/m64, r64', rdx, rsi).op('lock cmpxchg r/m64, r64', at(rdi), rdx);
  a.op('jne rel32', again).op('ret');
}

describe('goldens', () => {
  it.each([
    ['counting', counting],
    ['calling', calling],
    ['hypercall', calls],
    // nothing inlined: the callee is a unit of its own
    ['direct-call', calling, 0],
  ] as const)('%s', async (name, build, maxInline: number | undefined = undefined) => {
    const t = testMachine();
    place(t, build);
    const lifted = formatUnit(unitAt(t, CODE, maxInline));
    const unit = optimised(t, CODE, maxInline);
    const text = `lifted\n${lifted}\nafter the passes\n${formatUnit(unit)}\nWebAssembly\n${webAssembly(unit)}`;
    await expect(text).toMatchFileSnapshot(`golden/${name}.golden.txt`);
  });
});

describe('control flow', () => {
  /** Blocks 0..n-1 with these successors. */
  function graph(edges: readonly (readonly number[])[]): Unit {
    const exit = { rip: 0, done: 0, sp: 0, bp: DYNAMIC };
    const blocks: Block[] = edges.map((_, id) => ({
      id,
      rip: id,
      sp: 0,
      bp: DYNAMIC,
      uops: [],
      term: { kind: 'leave', exit, a: -1, step: false },
      read: 0,
      modified: 0,
      count: 1,
    }));
    edges.forEach(([x, y], id) => {
      if (x === undefined) return;
      const taken = blocks[x]!;
      blocks[id]!.term =
        y === undefined ? { kind: 'jump', to: taken } : { kind: 'branch', cc: 4, taken, other: blocks[y]! };
    });
    return { entry: 0, bp: DYNAMIC, blocks, ranges: [], cold: [], frame: { lo: 0, hi: 0 }, runs: 0, temps: 0 };
  }

  it('finds dominators and loops', () => {
    //  0 -> 1 -> (2 | 3) -> 4 -> (1 | 5)
    const f = analyseFlow(graph([[1], [2, 3], [4], [4], [1, 5], []]));
    expect([...f.idom]).toEqual([0, 0, 1, 1, 1, 4]);
    expect([...f.header]).toEqual([0, 1, 0, 0, 0, 0]);
    expect(f.reducible).toBe(true);
    expect([...f.loop]).toEqual([-1, 1, 1, 1, 1, -1]);
  });

  it('sees a loop with two entries', () => {
    expect(analyseFlow(graph([[1, 2], [2], [1, 3], []])).reducible).toBe(false);
  });

  /** What no way from the entry avoids, found by leaving each block out in turn. */
  function dominatorsOf(edges: readonly (readonly number[])[]): (Set<number> | undefined)[] {
    const reached = (without: number): Set<number> => {
      const seen = new Set<number>();
      const work = without === 0 ? [] : [0];
      for (let b = work.pop(); b !== undefined; b = work.pop()) {
        if (b === without || seen.has(b)) continue;
        seen.add(b);
        work.push(...edges[b]!);
      }
      return seen;
    };
    const all = reached(-1);
    const above = edges.map((_, b) => (all.has(b) ? new Set([b]) : undefined));
    for (const d of all) {
      const others = reached(d);
      for (const b of all) if (!others.has(b)) above[b]!.add(d);
    }
    return above;
  }

  it('agrees with the definitions of dominators and natural loops on random graphs', () => {
    const random = new Random(5);
    for (let round = 0; round < 400; round++) {
      const n = 2 + random.below(14);
      const edges = Array.from({ length: n }, () => Array.from({ length: random.below(3) }, () => random.below(n)));
      const f = analyseFlow(graph(edges));
      const above = dominatorsOf(edges);
      for (let b = 1; b < n; b++) {
        const strict = [...(above[b] ?? [])].filter((d) => d !== b);
        // the immediate dominator is the one that all others dominate
        const idom = strict.find((d) => strict.every((other) => above[d]!.has(other)));
        expect(f.idom[b], `${JSON.stringify(edges)} ${b}`).toBe(idom ?? -1);
      }
      if (!f.reducible) continue;
      const bodies = new Map<number, Set<number>>();
      edges.forEach((to, latch) => {
        for (const head of to) {
          if (!above[latch]?.has(head)) continue;
          const body = bodies.get(head) ?? new Set([head]);
          bodies.set(head, body);
          const work = [latch];
          for (let b = work.pop(); b !== undefined; b = work.pop()) {
            if (body.has(b)) continue;
            body.add(b);
            edges.forEach((x, from) => {
              if (above[from] !== undefined && x.includes(b!)) work.push(from);
            });
          }
        }
      });
      const smallest = (of: [number, Set<number>][]): number => of.sort((x, y) => x[1].size - y[1].size)[0]?.[0] ?? -1;
      for (let b = 0; b < n; b++) {
        const around = [...bodies].filter(([, body]) => body.has(b));
        expect(f.loop[b], `${JSON.stringify(edges)} ${b}`).toBe(smallest(around));
        if (bodies.has(b)) expect(f.outer[b]).toBe(smallest(around.filter(([head]) => head !== b)));
      }
    }
  });

  it.each([
    [
      'forward branches to one end',
      (a: Assembler, n: number): void => {
        const out = a.label();
        for (let i = 0; i < n; i++) a.op('add r/m64, imm8', rax, 1).op('cmp r/m64, r64', rax, rsi).op('je rel32', out);
        a.bind(out);
        a.op('ret');
      },
    ],
    [
      'loops one after another',
      (a: Assembler, n: number): void => {
        for (let i = 0; i < n; i++) {
          const again = a.label();
          a.op('mov r32, imm32', rcx, 2).bind(again);
          a.op('add r/m64, imm8', rax, 1).op('sub r/m64, imm8', rcx, 1).op('jne rel32', again);
        }
        a.op('ret');
      },
    ],
    [
      'loops in loops',
      (a: Assembler, n: number): void => {
        const heads = Array.from({ length: n }, () => a.label());
        for (const head of heads) {
          a.bind(head);
          a.op('add r/m64, imm8', rax, 1);
        }
        for (const head of heads.reverse()) a.op('sub r/m64, imm8', rsi, 1).op('jg rel32', head);
        a.op('ret');
      },
    ],
  ] as const)('takes %s, thousands of them', (_name, build) => {
    const outcomes = (['step', 'jit'] as const).map((engine) => {
      const t = testMachine({ engine });
      place(t, (a) => build(a, 2000));
      t.machine.cpu.setReg(RAX, 0);
      if (engine === 'jit') expect(t.machine.translator!.translate(CODE)).toBeDefined();
      t.machine.call(CODE, [halves(7), halves(1999)]);
      return { rax: t.machine.cpu.reg(RAX), insns: t.machine.insns };
    });
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it('runs an irreducible function through the dispatch loop', () => {
    const t = testMachine({ engine: 'jit' });
    place(t, (a) => {
      const one = a.label();
      const two = a.label();
      const out = a.label();
      a.op('test r/m64, imm32', rdi, 1).op('jne rel32', two);
      a.bind(one);
      a.op('add r/m64, imm8', rax, 3).op('sub r/m64, imm8', rsi, 1).op('jle rel32', out);
      a.bind(two);
      a.op('add r/m64, imm8', rax, 5).op('sub r/m64, imm8', rsi, 1).op('jg rel32', one);
      a.bind(out);
      a.op('ret');
    });
    const { machine } = t;
    expect(machine.translator!.translate(CODE)).toBeDefined();
    machine.cpu.setReg(RAX, 0);
    machine.call(CODE, [halves(1), halves(1001)]);
    expect(machine.cpu.reg(RAX)).toBe(5 * 501 + 3 * 500);
    expect(machine.insns).toBe(2 + 1001 * 3 + 2);
  });
});

describe('passes', () => {
  it('one check covers several accesses through a pointer, also where it was moved', () => {
    const t = testMachine();
    place(t, (a) => {
      a.op('mov r64, r/m64', rax, at(rdi, 8)).op('mov r/m64, r64', rcx, rdi).op('add r/m64, imm8', rcx, 32);
      a.op('add r64, r/m64', rax, at(rcx, -16)).op('mov r/m64, r64', at(rdi, 64), rax).op('ret');
    });
    const text = formatUnit(optimised(t, CODE));
    expect(text.match(/check/g)).toHaveLength(1);
    expect(text).toContain('check.direct rdi[8..72) r else');
  });

  it('but not where another way may have changed it', () => {
    const t = testMachine();
    place(t, (a) => {
      const join = a.label();
      a.op('mov r64, r/m64', rax, at(rdi)).op('test r/m64, r64', rax, rax).op('je rel32', join);
      a.op('mov r/m64, r64', rdi, rax);
      a.bind(join);
      a.op('mov r64, r/m64', rax, at(rdi)).op('ret');
    });
    expect(formatUnit(optimised(t, CODE)).match(/check/g)).toHaveLength(2);
  });

  it('flags that nobody can see are not computed', () => {
    const t = testMachine();
    place(t, (a) => {
      a.op('add r/m64, r64', rax, rcx)
        .op('xor r/m64, r64', rax, rdx)
        .op('inc r/m64', rax)
        .op('imul r64, r/m64', rax, rcx);
      a.op('cmp r/m64, r64', rax, rcx).op('setb r/m8', rax).op('ret');
    });
    const text = formatUnit(optimised(t, CODE));
    expect(text.match(/flags\.|overlay\./g)).toEqual(['flags.']);
    expect(text).toContain('flags.cmp64 rax, rcx');
  });

  it('a loop in a loop is found by its backward jumps', () => {
    const t = testMachine();
    const starts: Addr[] = [];
    place(t, (a) => {
      const outer = a.label();
      const inner = a.label();
      a.op('mov r32, imm32', rax, 0);
      a.bind(outer);
      starts.push(a.here);
      a.op('mov r32, imm32', rcx, 9);
      a.bind(inner);
      starts.push(a.here);
      a.op('add r/m64, r64', rax, rcx).op('sub r/m64, imm8', rcx, 1).op('jne rel32', inner);
      a.op('sub r/m64, imm8', rdi, 1).op('jne rel32', outer).op('ret');
    });
    const [outer, inner] = starts as [Addr, Addr];
    expect(nestedAt(shapeAt(t.memory, inner)!)).toEqual({ outer, body: new Set([inner]) });
    expect(nestedAt(shapeAt(t.memory, outer)!)).toBeUndefined();
  });
});

describe('tiers', () => {
  it('translates what runs often, and nothing before', () => {
    const t = testMachine({ engine: 'jit', translator: { threshold: 10 } });
    place(t, counting);
    const { machine, data } = t;
    const run = (n: number) => machine.call(CODE, [halves(data), halves(n)]);
    run(5);
    expect(machine.translator!.compiled).toBe(0);
    run(100);
    expect(machine.translator!.compiled).toBe(1);
    for (let i = 0; i < 20; i++) run(3);
    expect(machine.translator!.modules).toBe(2);
    expect(machine.translator!.find(CODE)).toBeDefined();
    machine.invalidate(CODE + 2, 1);
    expect(machine.translator!.find(CODE)).toBeUndefined();
  });

  it('translates together what is hot, when about as much has been stepped as that costs', () => {
    const t = testMachine({ engine: 'jit', translator: { threshold: 10, patience: 20 } });
    place(t, calling);
    const { machine } = t;
    const translator = machine.translator!;
    while (translator.compiled === 0) {
      machine.call(CODE, [halves(5)]);
      expect(machine.cpu.reg(RAX)).toBe(5 + 2 * 5 + 3);
    }
    // its threshold came long before, and 1,000 instructions' worth of patience
    expect(machine.insns).toBeGreaterThan(1000 * 20);
    expect(machine.insns).toBeLessThan(1500 * 20);
    // the function that is inlined has no unit of its own
    expect({ compiled: translator.compiled, modules: translator.modules }).toEqual({ compiled: 1, modules: 1 });
    expect(translator.find(CODE)).toBeDefined();
  });

  it('what an access touches is learned before it is translated', () => {
    const t = testMachine({ engine: 'jit', translator: { threshold: 10, patience: 1 } });
    place(t, counting);
    for (let i = 0; i < 50; i++) {
      t.machine.call(CODE, [halves(VM_DATA), halves(200)]);
      expect(t.machine.cpu.reg(RAX)).toBe(0);
    }
    const { compiled } = t.machine.translator!;
    expect(compiled).toBeGreaterThan(0);
    for (let i = 0; i < 200; i++) t.machine.call(CODE, [halves(VM_DATA), halves(200)]);
    expect(t.machine.translator!.compiled).toBeLessThanOrEqual(2);
  });

  it('accesses that keep missing the direct map go through the TLB', () => {
    const t = testMachine({ engine: 'jit', translator: { threshold: 2 } });
    place(t, counting);
    for (let i = 0; i < 4096; i++) t.memory.writeU8(VM_DATA + i, i & 1);
    for (let i = 0; i < 100; i++) {
      t.machine.call(CODE, [halves(VM_DATA), halves(4096)]);
      expect(t.machine.cpu.reg(RAX)).toBe(2048);
    }
    const before = t.machine.insns;
    let stepped = 0;
    const stepper = (t.machine as unknown as { stepper: { run(n: number): unknown; executed: number } }).stepper;
    const run = stepper.run.bind(stepper);
    stepper.run = (n) => {
      const exit = run(n);
      stepped += stepper.executed;
      return exit;
    };
    t.machine.call(CODE, [halves(VM_DATA), halves(4096)]);
    expect(t.machine.insns - before).toBe(3 + 4096 * 5 + 1 + 1);
    expect(stepped).toBeLessThan(100);
  });

  it('code of unmapped pages is forgotten', () => {
    const t = testMachine({ engine: 'jit' });
    place(t, counting);
    expect(t.machine.translator!.translate(CODE)).toBeDefined();
    t.memory.unmap(CODE, 4096);
    expect(t.machine.translator!.find(CODE)).toBeUndefined();
    expect(t.machine.call(CODE, []).fault).toMatchObject({ kind: 'page', address: CODE });
  });

  it('deep recursion stops at the end of the stack with a fault', () => {
    const outcomes = (['step', 'jit'] as const).map((engine) => {
      const t = testMachine({ engine, translator: { threshold: 2 } });
      place(t, (a) => {
        const self = a.bind();
        a.op('push r64', rbp)
          .op('mov r/m64, r64', rbp, rsp)
          .op('add r/m64, imm8', r13, 1)
          .op('call rel32', self)
          .op('leave')
          .op('ret');
      });
      const stop = t.machine.call(CODE);
      return { fault: stop.fault?.message, insns: t.machine.insns, depth: t.machine.cpu.reg(13) };
    });
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[0]!.fault).toMatch(/page fault at ffffc90000007ff8/);
  });
});
