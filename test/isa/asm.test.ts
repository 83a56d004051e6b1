import { describe, expect, it } from 'vitest';
import {
  AsmError,
  assemble,
  disassemble,
  insn,
  ldImm64,
  listing,
  rowOf,
  table,
  wideImm,
  writeInsns,
  xlatedImm,
} from '../../src/isa/index.ts';

const hex = (source: string): string => Buffer.from(writeInsns(assemble(source).insns)).toString('hex');

describe('assembler', () => {
  it('takes labels, comments, listing prefixes', () => {
    const { insns, labels, lines } = assemble(`
      ; return 2
      start: r0 = 0
      again:
         1: (07) r0 += 1           ; R0_w=1
      if r0 < 0x2 goto again       // back
      exit`);
    expect([...labels]).toEqual([
      ['start', 0],
      ['again', 1],
    ]);
    expect(lines).toEqual([3, 5, 6, 7]);
    expect(insns[2]).toEqual(insn(0xa5, 0, 0, -2, 2));
  });

  it('takes wide loads in every form', () => {
    expect(assemble('r2 = 0x123456789 ll').insns).toEqual(ldImm64(2, 0x123456789n));
    expect(assemble('r2 = 0x123456789').insns).toEqual(ldImm64(2, 0x123456789n));
    expect(assemble('r2 = 5 ll').insns).toEqual(ldImm64(2, 5n));
    expect(assemble('r2 = -1 ll').insns).toEqual(ldImm64(2, -1n));
    for (const text of ['map[id:5]', 'map[id:5][0]+8', 'map[idx:1]+4', 'subprog[+3]']) {
      const [low, high] = assemble(`r1 = ${text}`).insns as [ReturnType<typeof insn>, ReturnType<typeof insn>];
      expect(xlatedImm(low, wideImm(low, high))).toBe(text);
    }
  });

  it('resolves calls', () => {
    expect(hex('call 6')).toBe('8500000006000000');
    expect(hex('call bpf_trace_printk#6')).toBe('8500000006000000');
    expect(hex('call pc+1')).toBe('8510000001000000');
    expect(hex('call f\nexit\nf: exit')).toBe('851000000100000095000000000000009500000000000000');
    expect(assemble('call bpf_x', { call: () => ({ src: 2, imm: 77 }) }).insns[0]).toEqual(insn(0x85, 0, 2, 0, 77));
  });

  it('names the line of an error', () => {
    const cases: [string, string][] = [
      ['r0 = 0\nr1 ?= 3', 'line 2: no instruction has the form "r1 ?= 3"'],
      ['goto x', 'line 1: label x is not defined'],
      ['x:\nx:', 'line 2: label x is defined twice'],
      ['r1 = *(u8 *)(r2 +40000)', 'line 1: 40000 does not fit in 16 bits'],
      ['r16 = 0', 'line 1: register r16 does not exist'],
      ['r1 = 0x11111111111111111 ll', 'line 1: 0x11111111111111111 ll needs more than 64 bits'],
    ];
    for (const [source, message] of cases) {
      expect(() => assemble(source)).toThrow(
        new AsmError(message.replace(/^line \d+: /, ''), Number(/\d+/.exec(message)?.[0])),
      );
    }
  });
});

describe('table', () => {
  it('assembles its own text of every row back to the same fields', () => {
    for (const row of table) {
      if (row.kind === 'ldimm64' || row.kind === 'call') continue;
      const field = (name: 'dst' | 'src' | 'off' | 'imm', value: number): number =>
        row.select[name] ?? (row.uses.includes(name) ? value : 0);
      const slot = insn(row.code, field('dst', 3), field('src', 7), field('off', -24), field('imm', 0x1234));
      expect(rowOf(slot), row.name).toBe(row);
      const text = disassemble(slot);
      expect(assemble(text).insns, text).toEqual([slot]);
      if (!row.internal) expect(assemble(text.slice(5)).insns, text).toEqual([slot]);
    }
  });

  it('has no two rows for one instruction', () => {
    const keys = table.map((row) => JSON.stringify([row.code, row.select]));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('lists wide loads once', () => {
    expect(listing([...ldImm64(1, 7n), insn(0x95, 0, 0, 0, 0)])).toEqual([
      { index: 0, text: '(18) r1 = 0x7' },
      { index: 2, text: '(95) exit' },
    ]);
  });
});
