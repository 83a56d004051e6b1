import { describe, expect, it } from 'vitest';
import { decode, insn, ldImm64, readInsns } from '../../src/isa/index.ts';
import { fromHex, haveShared, readJsonl } from '../support/shared.ts';

const why = (...insns: ReturnType<typeof insn>[]): string => {
  const d = decode(insns, 0);
  return d.ok ? `${d.row.name} ${d.row.bits}` : d.reason;
};

describe('decode', () => {
  it('tells forms of one opcode apart', () => {
    expect(why(insn(0x3c, 1, 2, 0, 0))).toBe('div 32');
    expect(why(insn(0x3c, 1, 2, 1, 0))).toBe('sdiv 32');
    expect(why(insn(0xbf, 1, 2, 32, 0))).toBe('movs32 64');
    expect(why(insn(0xdb, 1, 2, -8, 0xf1))).toBe('cmpxchg 64');
    expect(why(...ldImm64(1, 2n))).toBe('imm64 64');
  });

  it('says what is wrong', () => {
    expect(why(insn(0xff, 0, 0, 0, 0))).toBe('unknown opcode 0xff');
    expect(why(insn(0xdb, 1, 2, -8, 0x21))).toBe('opcode 0xdb has no form with offset -8 and immediate 0x21');
    expect(why(insn(0x07, 1, 2, 0, 0))).toBe('reserved field src of opcode 0x07 is 2, must be 0');
    expect(why(insn(0x07, 1, 0, 8, 0))).toBe('reserved field off of opcode 0x07 is 8, must be 0');
    expect(why(insn(0x85, 0, 3, 0, 0))).toBe('unknown kind of call 3');
    expect(why(insn(0x07, 12, 0, 0, 0))).toBe('register r12 does not exist');
    expect(why(insn(0x18, 0, 7, 0, 0))).toBe('unknown source 7 of a wide load');
    expect(why(insn(0x18, 0, 0, 0, 0))).toBe('wide load without its second slot');
    expect(why(insn(0x18, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0))).toBe(
      'second slot of a wide load has an opcode, register or offset',
    );
  });
});

describe.runIf(haveShared)('decode against bpf_conformance', () => {
  interface Case {
    name: string;
    insns: string;
    cpu_version: number;
    groups: string[];
    insns_not_in_spec_table: number;
  }
  it('accepts every instruction, of the version and groups given', () => {
    for (const test of readJsonl<Case>('conformance/isa/bpf_conformance.jsonl.gz')) {
      const insns = readInsns(fromHex(test.insns));
      const groups = new Set<string>();
      let cpu = 1;
      let odd = 0;
      for (let i = 0; i < insns.length; ) {
        const d = decode(insns, i);
        if (!d.ok) odd++;
        else {
          cpu = Math.max(cpu, d.row.cpu ?? 5);
          groups.add(d.row.group);
        }
        i += d.ok ? d.slots : 1;
      }
      expect(odd, test.name).toBe(test.insns_not_in_spec_table);
      // the cases count neg64 as base32
      if (!test.name.startsWith('neg')) expect([...groups].sort(), test.name).toEqual([...test.groups].sort());
      expect(cpu, test.name).toBe(test.cpu_version);
    }
  });
});
