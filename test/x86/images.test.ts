/** Every instruction of the images that Linux's JIT wrote: read and printed as iced-x86 does. */
import { describe, expect, it } from 'vitest';
import { decode, formatInsn } from '../../src/x86/index.ts';
import { holdFigures } from '../support/figures.ts';
import { fromHex, haveShared, readJsonl } from '../support/shared.ts';
import { icedDecode, normalise } from './iced.ts';

interface Record {
  readonly name: string;
  readonly jited: string;
}

describe.skipIf(!haveShared)('images of the real kernel', () => {
  it('are read whole, and as iced-x86 reads them', () => {
    const seen = new Set<string>();
    const rows = new Set<number>();
    const wrong: string[] = [];
    let instructions = 0;
    for (const { name, jited } of readJsonl<Record>('conformance/jit/programs.jsonl.gz')) {
      const bytes = fromHex(jited);
      for (let at = 0; at < bytes.length; ) {
        const insn = decode(bytes, at);
        if (insn.row < 0) {
          wrong.push(`${name}+${at}: ${Buffer.from(bytes.subarray(at, at + 8)).toString('hex')} is no instruction`);
          break;
        }
        instructions++;
        rows.add(insn.row);
        const raw = bytes.subarray(at, at + insn.length);
        at += insn.length;
        const hex = Buffer.from(raw).toString('hex');
        if (seen.has(hex)) continue;
        seen.add(hex);
        const iced = icedDecode(raw, 0x1000);
        const text = normalise(formatInsn(insn, { syntax: 'intel', address: 0x1000 }));
        if (!iced.valid || iced.length !== insn.length || iced.text !== text)
          wrong.push(`${hex}: '${text}', iced-x86 '${iced.text}'`);
      }
    }
    expect(wrong.slice(0, 10)).toEqual([]);
    holdFigures('x86-images', 'Linux', { instructions, different: seen.size, rows: rows.size });
  });
});
