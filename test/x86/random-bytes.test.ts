/** Random bytes against iced-x86: the same instructions, the same lengths, the same text; the rest is invalid to both. */
import { describe, expect, it } from 'vitest';
import { decode, form, formatInsn, table } from '../../src/x86/index.ts';
import { Random } from '../machine/cpu-diff/random.ts';
import { many } from '../support/depth.ts';
import { icedDecode, normalise } from './iced.ts';

const COUNT = many(6000, 60_000);

/** What iced-x86 knows of our mnemonics and this table leaves to #UD. */
const LEFT_OUT =
  /Sreg|^Prefetchreserved|_cr|_dr|^Bswap_r16|^(Call|Jmp)_m16|^(Call|Jmp)_rm64|^([LMS]fence)_|^Push_imm16|^Retn|^Enterw|^Leavew|^Pop[fw]|^Push[fw]|^Popw_[FG]S|^(Push|Pop)[dqw]_(FS|GS)|_mm(_|m|$)|_mmm/;

const known = new Set(table.map((_, row) => form(row).mnemonic));

/** Half the strings start with bytes that lead somewhere. */
function randomBytes(random: Random): Uint8Array {
  const bytes = new Uint8Array(16);
  for (let i = 0; i < 16; i++) bytes[i] = random.u32();
  const heads = [
    [0x0f],
    [0x48 | (bytes[0]! & 7)],
    [0x66],
    [0xf3, 0x0f],
    [0xf0],
    [0x66, 0x48, 0x0f],
    [0x65],
    [0x67],
    [0xf2],
    [0x0f, 0x38],
  ];
  const head = random.below(14);
  if (head < heads.length) bytes.set(heads[head] as number[]);
  else if (head === 12) bytes.set([0xc4, (bytes[1]! & 0xe0) | (2 + (bytes[1]! & 1)), bytes[2]! & ~4]);
  return bytes;
}

describe('decoder', () => {
  it(`reads ${COUNT} random byte strings as iced-x86 does`, () => {
    const random = new Random(6);
    const wrong: string[] = [];
    let instructions = 0;
    for (let n = 0; n < COUNT; n++) {
      const bytes = randomBytes(random);
      const insn = decode(bytes);
      const iced = icedDecode(bytes, 0x1000);
      const hex = Buffer.from(bytes).toString('hex');
      // F3 REX.B 90 is pause to iced-x86; processors exchange r8 and rax
      if (iced.mnemonic === 'pause' && insn.row >= 0 && form(insn.row).mnemonic === 'xchg') continue;
      if (insn.row < 0) {
        if (iced.valid && known.has(iced.mnemonic) && !LEFT_OUT.test(iced.code))
          wrong.push(`${hex}: only iced-x86 knows ${iced.code}`);
        continue;
      }
      instructions++;
      const text = normalise(formatInsn(insn, { syntax: 'intel', address: 0x1000 }));
      if (!iced.valid) wrong.push(`${hex}: iced-x86 does not know '${text}'`);
      else if (iced.length !== insn.length) wrong.push(`${hex}: ${insn.length} bytes, iced-x86 ${iced.length}`);
      else if (text !== iced.text) wrong.push(`${hex}: '${text}', iced-x86 '${iced.text}'`);
    }
    console.log(`${instructions} of ${COUNT} random byte strings are instructions of the table`);
    expect(wrong.slice(0, 20)).toEqual([]);
  });

  it('never reads past the end', () => {
    const random = new Random(8);
    const wrong: string[] = [];
    for (let n = 0; n < many(1000, 5000); n++) {
      const whole = randomBytes(random);
      const insn = decode(whole);
      for (let length = 0; length < Math.min(15, insn.row < 0 ? 15 : insn.length); length++) {
        const bytes = whole.subarray(0, length);
        const cut = decode(bytes);
        if (cut.row !== -1 || cut.length > length) wrong.push(Buffer.from(bytes).toString('hex'));
      }
    }
    expect(wrong).toEqual([]);
  });
});
