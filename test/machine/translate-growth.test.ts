/** What the translator keeps: no more after hundreds of programs came, ran and went than after a few. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../src/index.ts';
import { addrFromBigInt } from '../../src/machine/index.ts';
import { many } from '../support/depth.ts';

const insn = (code: number, dst: number, src: number, off: number, imm: number): number[] => {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  bytes[0] = code;
  bytes[1] = dst | (src << 4);
  view.setInt16(2, off, true);
  view.setInt32(4, imm, true);
  return [...bytes];
};

/** `n` different instructions and a loop that stores through R1 and the stack. */
const program = (n: number): Uint8Array =>
  Uint8Array.from([
    ...insn(0xb7, 0, 0, 0, 50),
    ...Array.from({ length: n }, (_, i) => insn(0x07, 0, 0, 0, i & 1 ? -i : i - 1)).flat(),
    ...insn(0xb7, 2, 0, 0, 200),
    ...insn(0x7b, 1, 2, 8, 0),
    ...insn(0x7b, 10, 2, -8, 0),
    ...insn(0x07, 2, 0, 0, -1),
    ...insn(0x55, 2, 0, -4, 0),
    ...insn(0x95, 0, 0, 0, 0),
  ]);

/** Entries of the tables in an object and the objects in it. */
function entries(of: object, seen = new Set<object>()): Record<string, number> {
  const out: Record<string, number> = {};
  seen.add(of);
  for (const [name, value] of Object.entries(of)) {
    if (value instanceof Map || value instanceof Set) out[name] = value.size;
    else if (/^(indirect|sites|policy|learned)$/.test(name) && !seen.has(value))
      Object.assign(out, entries(value, seen));
  }
  return out;
}

describe('the translator', () => {
  it('forgets what it knew of programs that are gone', async () => {
    const kernel = await Kernel.boot({ engine: 'jit' });
    const translator = kernel.machine.translator!;
    const cycle = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const prog = kernel.bpf.progLoad({
          type: 'syscall',
          insns: program((i * 37) % 900),
          license: 'GPL',
          verify: false,
        });
        for (let run = 0; run < 8; run++) prog.testRun({ ctxIn: new Uint8Array(16) });
        expect(translator.translate(addrFromBigInt(prog.jitedFuncs[0]!.address))).toBeDefined();
        for (let run = 0; run < 20; run++) prog.testRun({ ctxIn: new Uint8Array(16) });
        prog.close();
      }
    };
    cycle(20);
    const before = entries(translator);
    const modules = translator.modules;
    const cycles = many(40, 300);
    cycle(cycles);
    expect(translator.modules).toBeGreaterThanOrEqual(modules + cycles);
    for (const [name, size] of Object.entries(entries(translator))) {
      expect(size, name).toBeLessThanOrEqual(before[name]! * 1.5 + 50);
    }
  }, 60_000);
});
