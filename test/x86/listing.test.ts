/** Listings against GNU objdump's, kept as text beside this file. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decode, formatInsn } from '../../src/x86/index.ts';
import { fromHex } from '../support/shared.ts';

/** objdump reads the source of 66 63 as 32 bits; the manual says 16. */
const OBJDUMP_DIFFERS = /^66(4[0-7])?63/;

describe('listing', () => {
  for (const syntax of ['att', 'intel'] as const) {
    const lines = readFileSync(new URL(`golden/${syntax}.txt`, import.meta.url), 'utf8')
      .split('\n')
      .slice(1, -1);
    it(`prints ${lines.length} instructions of every row as objdump does, ${syntax} syntax`, () => {
      const wrong: string[] = [];
      for (const line of lines) {
        const [address = '', hex = '', expected = ''] = line.split('\t');
        const bytes = fromHex(hex);
        const insn = decode(bytes);
        const text = formatInsn(insn, { syntax, address: Number.parseInt(address, 16) });
        if (insn.length !== bytes.length) wrong.push(`${hex}: ${insn.length} bytes decoded`);
        else if (text !== expected && !OBJDUMP_DIFFERS.test(hex)) wrong.push(`${hex}: ${text} instead of ${expected}`);
      }
      expect(wrong).toEqual([]);
    });
  }

  it('names branch targets and rip-relative addresses', () => {
    const symbol = (a: number): string | undefined => (a === -0x7efeff00 ? 'helper+0x10' : undefined);
    const options = { address: -0x7f000000, symbol };
    expect(formatInsn(decode(fromHex('e8fbff0000')), options)).toBe('call   0xffffffff81010000');
    expect(formatInsn(decode(fromHex('e8fb000100')), options)).toBe('call   ffffffff81010100 <helper+0x10>');
    expect(formatInsn(decode(fromHex('488d05f9000100')), options)).toBe(
      'lea    0x100f9(%rip),%rax        # ffffffff81010100 <helper+0x10>',
    );
  });

  it('says (bad) where there is no instruction', () => {
    expect(formatInsn(decode(fromHex('06')))).toBe('(bad)');
  });
});
