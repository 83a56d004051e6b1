/** Every row of the table: encoder, decoder and iced-x86 against each other. */
import { describe, expect, it } from 'vitest';
import { decode, form, formatInsn, rowOf, table } from '../../src/x86/index.ts';
import { generate } from '../machine/cpu-diff/generate.ts';
import { Random } from '../machine/cpu-diff/random.ts';
import { many } from '../support/depth.ts';
import { icedDecode, normalise } from './iced.ts';

const PER_ROW = many(8, 25);
const ADDRESS = 0x1000;

/** Rows that another row of the same bytes outranks: `90` is nop before it is xchg, and twins decode as the first. */
const sameInstruction = (decoded: number, row: number): boolean =>
  decoded === row ||
  form(decoded).syntax === form(row).syntax ||
  (form(decoded).opcode === 0x90 && form(row).opcode === 0x90);

describe('x86 table', () => {
  it('has one spelling for each form that an assembler may choose', () => {
    const twins = table.filter((row, i) => rowOf(row.syntax) !== i).map((row) => row.encoding);
    // TEST /1 is the only encoding given twice
    expect(twins.every((encoding) => encoding.includes('/1') && /F[67]/.test(encoding))).toBe(true);
  });

  it(`decodes what it encodes, as iced-x86 does: ${table.length} rows, ${PER_ROW} random operand sets each`, () => {
    const random = new Random(4);
    const wrong: string[] = [];
    for (let row = 0; row < table.length; row++) {
      for (let i = 0; i < PER_ROW; i++) {
        const { code } = generate(row, random);
        const insn = decode(code);
        const hex = Buffer.from(code).toString('hex');
        if (insn.row < 0 || insn.length !== code.length || !sameInstruction(insn.row, row)) {
          wrong.push(`${hex}: '${form(row).syntax}' decodes as ${insn.row < 0 ? 'invalid' : form(insn.row).syntax}`);
          continue;
        }
        const iced = icedDecode(code, ADDRESS);
        const text = normalise(formatInsn(insn, { syntax: 'intel', address: ADDRESS }));
        if (!iced.valid || iced.length !== insn.length)
          wrong.push(`${hex}: iced-x86 reads ${iced.valid ? iced.length : 'no'} bytes`);
        else if (text !== iced.text) wrong.push(`${hex}: '${text}', iced-x86 '${iced.text}'`);
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
  });
});
