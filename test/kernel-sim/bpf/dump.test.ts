/** What user space is shown of a rewritten program: internal opcodes, addresses and calls. */
import { expect, test } from 'vitest';
import { dumpInsns } from '../../../kernel-sim/bpf/prog/dump.ts';
import * as I from '../../../src/isa/index.ts';

const insn = I.insn;
const map = { id: 7, address: 0xffff_8880_1234_5000n, values: { address: 0xffff_8880_1234_5110n, size: 64 } };
const dump = (insns: I.Insn[], starts = [0]): I.Insn[] => dumpInsns({ insns, starts, maps: [map] });
const wide = (value: bigint): I.Insn[] => [
  insn(I.LD_IMM64, 1, 0, 0, Number(BigInt.asIntN(32, value))),
  insn(0, 0, 0, 0, Number(BigInt.asIntN(32, value >> 32n))),
];

test('map addresses are shown as ids, values with their offset', () => {
  expect(dump(wide(map.address))[0]).toMatchObject({ src: I.BPF_PSEUDO_MAP_FD, imm: 7 });
  const [low, high] = dump(wide(map.values.address + 12n));
  expect(low).toMatchObject({ src: I.BPF_PSEUDO_MAP_VALUE, imm: 7 });
  expect(high).toMatchObject({ imm: 12 });
});

test('other addresses stay', () => {
  expect(dump(wide(map.values.address + 64n))).toEqual(wide(map.values.address + 64n));
  expect(dump(wide(5n))).toEqual(wide(5n));
});

test('a tail call is shown as the call of helper 12', () => {
  expect(dump([insn(I.BPF_JMP | I.BPF_TAIL_CALL, 0, 0, 0, 3)])).toEqual([insn(0x85, 0, 0, 0, 12)]);
});

test('calls of functions have the distance in off and the number in imm', () => {
  const call = insn(0x85, 0, I.BPF_PSEUDO_CALL, 0, 1);
  const exit = insn(0x95, 0, 0, 0, 0);
  expect(dump([call, exit, exit], [0, 2])[0]).toEqual(insn(0x85, 0, I.BPF_PSEUDO_CALL, 1, 1));
});

test('probing loads are shown as plain ones, sign-extending and atomic ones are not', () => {
  const load = (mode: number): I.Insn => insn(I.BPF_LDX | mode | I.BPF_W, 1, 2, 4, 0);
  expect(dump([load(I.BPF_PROBE_MEM)])).toEqual([load(I.BPF_MEM)]);
  expect(dump([load(I.BPF_PROBE_MEM32)])).toEqual([load(I.BPF_MEM)]);
  expect(dump([load(I.BPF_PROBE_MEMSX)])).toEqual([load(I.BPF_PROBE_MEMSX)]);
  const atomic = insn(I.BPF_STX | I.BPF_PROBE_ATOMIC | I.BPF_DW, 1, 2, 0, 0);
  expect(dump([atomic])).toEqual([atomic]);
});
