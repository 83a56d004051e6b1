/** The rows of the stepping loop against the x86 table that decoder and listing use, and the module that they make. */
import { describe, expect, it } from 'vitest';
import { STATUS } from '../../src/machine/exec/flags.ts';
import { loopBytes } from '../../src/machine/exec/loop/build.ts';
import { INSNS } from '../../src/machine/exec/loop/insns.ts';
import { OPERATIONS } from '../../src/machine/exec/loop/operations.ts';
import type { FlagRule } from '../../src/machine/exec/loop/row.ts';
import { FLAG, type Form, form, table } from '../../src/x86/index.ts';

/** What the table's third column says of a form, as far as the loop's rules tell it. */
function ruleOf(f: Form): FlagRule {
  const reads = f.reads & STATUS;
  const changes = (f.writes | f.undefined) & STATUS;
  if (reads !== 0) return 'looks';
  if (changes === 0) return 'none';
  return changes === STATUS ? 'all' : 'some';
}

describe('rows of the stepping loop', () => {
  it('say of flags what the x86 table says, at every width', () => {
    const said: string[] = [];
    const expected: string[] = [];
    for (const row of INSNS) {
      for (const mnemonic of row.mnemonics.split(' ')) {
        const forms = table.map((_, n) => form(n)).filter((f) => f.mnemonic === mnemonic && !f.vex);
        expect(forms.length, mnemonic).toBeGreaterThan(0);
        for (const f of forms) {
          // a shift by 0 changes none; the product with one operand is not the loop's, what it leaves undefined stays
          const rule = row.flags === 'count' ? 'all' : row.flags;
          said.push(`${f.syntax}: ${rule}`);
          expected.push(`${f.syntax}: ${mnemonic === 'imul' ? 'some' : ruleOf(f)}`);
        }
      }
    }
    expect(said).toEqual(expected);
    expect(FLAG.CF & STATUS).toBe(FLAG.CF);
  });

  it('give twins that do not touch flags', () => {
    const twins = OPERATIONS.filter(({ twin }) => twin !== undefined);
    expect(twins.length).toBeGreaterThan(30);
    for (const { name, twin } of twins) expect(OPERATIONS[twin!]).toMatchObject({ name: `${name}n`, flags: 'none' });
  });

  it('make a module that any memory size fits', () => {
    for (const shared of [false, true]) {
      const module = new WebAssembly.Module(loopBytes(shared) as Uint8Array<ArrayBuffer>);
      for (const pages of [2048, 32768]) {
        const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared });
        const { exports } = new WebAssembly.Instance(module, { m: { memory, host: () => 0 } });
        expect(Object.keys(exports)).toEqual(['loop']);
      }
    }
  });
});
