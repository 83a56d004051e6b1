/** Every engine counts the same instructions, those of which machine code has no byte among them. */
import { expect, it } from 'vitest';
import { Kernel } from '../../../../kernel-sim/index.ts';
import { assemble, writeInsns } from '../../../../src/isa/index.ts';

const PROGRAMS = {
  'a jump over goto +1, onto a move of a register to itself': 'if w9 s<= w9 goto +1\ngoto +1\nr9 = r9\nr0 = 1\nexit',
  'the same, not taken': 'if w9 s> w9 goto +1\ngoto +1\nr9 = r9\nr0 = 1\nexit',
  'over gotol +1, onto a conversion to the order that there is':
    'r0 = 1\nif w9 s<= w9 goto +1\ngotol +1\nr0 = le64 r0\nexit',
  'goto over several that are nothing': 'r0 = 1\ngoto +3\nr1 = r1\ngoto +0\nr2 = r2\nr0 += 1\nexit',
  'two gotos into each other’s nothing': 'r0 = 1\nif r0 == 1 goto +1\ngoto +2\ngoto +1\nr3 = r3\nexit',
};

it.each(Object.entries(PROGRAMS))('%s', async (_, text) => {
  const insns = writeInsns(assemble(text).insns);
  const counts: number[] = [];
  for (const engine of ['jit', 'step', 'interp'] as const) {
    const kernel = await Kernel.boot({ engine });
    const prog = kernel.bpf.progLoad({ type: 'xdp', license: 'GPL', insns, verify: false });
    counts.push(prog.testRun({ dataIn: new Uint8Array(64) }).insns);
  }
  expect(counts).toEqual(counts.map(() => counts[2]));
});
