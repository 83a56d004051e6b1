/** Executed instructions are counted as others count them (`../shared/bench`), and a limit on them ends a run. */
import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { BpfError } from '../../src/index.ts';
import { insn } from '../../src/isa/index.ts';
import { ENGINES, type Engine, engine } from '../support/drivers.ts';
import { holdFigures } from '../support/figures.ts';
import { haveShared, readShared, sharedPath } from '../support/shared.ts';

interface Expected {
  /** the iteration count, at the start of the memory */
  readonly n: number;
  readonly insns: number;
  readonly r0: string;
}

const engines = new Map<string, Engine>();
beforeAll(async () => {
  for (const name of ENGINES) engines.set(name, await engine(name));
});

describe.skipIf(!haveShared)('compute kernels', () => {
  const expected = (): Record<string, Record<string, Expected[]>> =>
    JSON.parse(Buffer.from(readShared('bench/expected.json')).toString());

  it.each(ENGINES)('give the same results by as many instructions: %s', (name) => {
    const wrong: string[] = [];
    let count = 0;
    for (const [kernel, versions] of Object.entries(expected())) {
      for (const [version, [first]] of Object.entries(versions)) {
        count++;
        const memory = readShared(`bench/${kernel}.mem.gz`).slice();
        new DataView(memory.buffer, memory.byteOffset).setUint32(0, first!.n, true);
        const got = engines.get(name)!.run({ insns: readShared(`bench/${kernel}.${version}.bin`), memory });
        if (got.r0 !== BigInt(first!.r0))
          wrong.push(`${kernel}.${version}: r0 0x${got.r0.toString(16)}, expected ${first!.r0}`);
        if (got.insns !== first!.insns)
          wrong.push(`${kernel}.${version}: ${got.insns} instructions, expected ${first!.insns}`);
      }
    }
    expect(wrong).toEqual([]);
    holdFigures('counts', name, { programs: count });
    expect(count).toBe(readdirSync(sharedPath('bench')).filter((f) => /\.v\d\.bin$/.test(f)).length - 1);
  });
});

describe('a program that never ends', () => {
  it.each(ENGINES)('is stopped, and the kernel goes on: %s', (name) => {
    const { kernel } = engines.get(name)!;
    const load = (...insns: ReturnType<typeof insn>[]) =>
      kernel.bpf.progLoad({ type: 'syscall', insns, license: 'GPL', verify: false });
    const endless = load(
      insn(0xb7, 0, 0, 0, 1),
      insn(0x07, 0, 0, 0, 1),
      insn(0x05, 0, 0, -2, 0),
      insn(0x95, 0, 0, 0, 0),
    );
    for (const maxInsns of [1, 1000, 100_000]) {
      expect(() => endless.testRun({ maxInsns })).toThrow(BpfError);
    }
    const seven = load(insn(0xb7, 0, 0, 0, 7), insn(0x95, 0, 0, 0, 0));
    expect(seven.testRun({ maxInsns: 1000 })).toMatchObject({ retval: 7, insns: 2 });
  });
});
