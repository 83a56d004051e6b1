import { describe, expect, it } from 'vitest';
import { disassemble, type Insn } from '../../src/isa/index.ts';
import { jit } from '../../src/jit/index.ts';
import { holdFigures } from '../support/figures.ts';
import { haveShared, readJsonl } from '../support/shared.ts';
import { firstDifference, type JitRecord, jitInput, patchPokes } from './oracle.ts';

/** Every program that the real kernel accepted: the image must be its image, byte for byte. */
describe.runIf(haveShared)('JIT against images of Linux 6.12', () => {
  it('is identical for all programs', () => {
    const records = readJsonl<JitRecord>('conformance/jit/programs.jsonl.gz');
    const different: string[] = [];
    for (const record of records) {
      const input = jitInput(record);
      const out = jit(input);
      patchPokes(out, record);
      const where = firstDifference(out, record);
      if (!where) continue;
      const insns = input.funcs[where.func]?.insns as readonly Insn[];
      const text = where.slot < 0 ? 'prologue' : disassemble(insns[where.slot] as Insn, insns[where.slot + 1]);
      different.push(
        `${record.name}, function ${where.func}, instruction ${where.slot} ${text}\n  ours  ${where.ours}\n  Linux ${where.theirs}`,
      );
    }
    for (const line of different.slice(0, 20)) console.log(line);
    expect(different).toEqual([]);
    holdFigures('jit', 'images', { programs: records.length, identical: records.length - different.length });
  });
});
