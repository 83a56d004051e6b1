import { describe, expect, it } from 'vitest';
import { rax, rbx } from '../../src/x86/index.ts';
import { outcome, prepare } from './differential.ts';
import { CODE, place, Random, testMachine } from './support.ts';

const ENGINES = [
  ['step', () => testMachine()],
  ['jit', () => testMachine({ engine: 'jit', translator: { threshold: 3, maxInline: 200 } })],
] as const;

describe.each(ENGINES)('breakpoints, engine %s', (_, make) => {
  it('stop where stepping comes by, at the same counts', () => {
    const [t, stepped] = [make(), testMachine()];
    for (let seed = 1; seed <= 10; seed++) {
      const random = new Random(seed * 31);
      prepare(t, seed, 3);
      prepare(stepped, seed, 3);
      const { machine } = stepped;
      const way: [count: number, rip: number][] = [];
      for (let n = 0; n < 6000; n++) {
        way.push([machine.insns, machine.cpu.rip]);
        if (machine.run(1).reason !== 'budget') break;
      }
      const wanted = new Set([1, 2, 3].map(() => way[random.below(way.length)]![1]));
      const hits = way.filter(([, rip]) => wanted.has(rip)).slice(way[0]![1] === CODE && wanted.has(CODE) ? 1 : 0);
      // some run before there are any breakpoints, so that blocks and translations are there
      const start = t.machine.save();
      t.machine.run(3000);
      t.machine.restore(start);
      for (const at of wanted) t.machine.breakpoints.add(at);
      const seen: [number, number][] = [];
      let stop = t.machine.run(6000);
      for (; stop.reason === 'breakpoint'; stop = t.machine.run(6000 - t.machine.insns)) {
        seen.push([t.machine.insns, t.machine.cpu.rip]);
        if (seen.length > hits.length) break;
      }
      const from = hits[0]?.[0] === 0 ? 1 : 0;
      expect(seen, `seed ${seed}, ${outcome(stop)}`).toEqual(hits.slice(from));
      // asked each time, and never stopped
      t.machine.restore(start);
      const asked: [number, number][] = [];
      t.machine.onBreakpoint = (rip) => {
        asked.push([t.machine.executed, rip]);
        return false;
      };
      t.machine.run(6000);
      expect(asked).toEqual(hits.slice(from));
      t.machine.onBreakpoint = undefined;
      t.machine.breakpoints.clear();
    }
  });

  it('a host call stops at its first instruction; a run goes on from the one that it is at', () => {
    const t = make();
    place(t, (a) => a.op('mov r32, imm32', rax, 1).op('mov r32, imm32', rbx, 2).op('ret'));
    t.machine.breakpoints.add(CODE);
    expect(t.machine.call(CODE)).toEqual({ reason: 'breakpoint' });
    expect(t.machine.insns).toBe(0);
    expect(t.machine.run().reason).toBe('halt');
    expect(t.machine.cpu.reg64(rbx)).toBe(2n);
  });
});
