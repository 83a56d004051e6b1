/** bpf_trace_printk: formats are remembered by their address, and a program may write another one there. */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';

const insn = (code: number, regs: number, off: number, imm: number): number[] => [
  code,
  regs,
  off & 0xff,
  (off >> 8) & 0xff,
  imm & 0xff,
  (imm >> 8) & 0xff,
  (imm >> 16) & 0xff,
  (imm >>> 24) & 0xff,
];

it.each(['jit', 'step', 'interp'] as const)('prints what the format is now (%s)', async (engine) => {
  const kernel = await Kernel.boot({ engine });
  const insns = Uint8Array.from(
    [
      insn(0x61, 0x16, 0, 0), // r6 = *(u32 *)(r1 + 0): length of the packet behind its Ethernet header
      insn(0x62, 0x0a, -8, 0x0064_2500), // *(u32 *)(r10 - 8) = "\0%d\0"
      insn(0x73, 0x6a, -8, 0), // *(u8 *)(r10 - 8) = r6
      insn(0xbf, 0xa1, 0, 0), // r1 = r10
      insn(0x07, 0x01, 0, -8), // r1 += -8
      insn(0xb7, 0x02, 0, 4), // r2 = 4
      insn(0xbf, 0x63, 0, 0), // r3 = r6
      insn(0x85, 0x00, 0, 6), // call bpf_trace_printk
      insn(0x95, 0x00, 0, 0),
    ].flat(),
  );
  const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL' });
  const lengths = [65, 66, 65, 0x25, 65, 67, 0xe9];
  const results = lengths.map((length) => prog.testRun({ dataIn: new Uint8Array(14 + length) }).retval);
  // "%%d" takes no argument
  expect(results).toEqual([3, 3, 3, 2, 3, 3, 4]);
  const lines = kernel.tracePipe.read().trimEnd().split('\n');
  // a byte that is no UTF-8
  expect(lines.map((l) => l.split('bpf_trace_printk: ')[1])).toEqual([
    'A65',
    'B66',
    'A65',
    '%d',
    'A65',
    'C67',
    '\ufffd233',
  ]);
});
