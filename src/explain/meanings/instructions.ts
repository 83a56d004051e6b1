/** Instructions that are not what the instruction set has: a compiler never makes them. */
import { type Row, row } from '../row.ts';

export const instructions: readonly Row[] = [
  row(
    /^(BPF_\S+) uses reserved fields/,
    ([, op = ''], log) =>
      `a field that ${op} does not use is not 0${log.stop ? ` (instruction ${log.stop.index})` : ''}`,
  ),
  row(/^unknown opcode (\w+)/, 'there is no instruction with opcode 0x$1'),
  row(
    /^(?:invalid|unrecognized) bpf_ld_imm64 insn/,
    'a wide load takes two instruction slots, the second with opcode 0',
  ),
  row(/^div by zero/, 'the program divides by the constant 0'),
  row(/^invalid shift (-?\d+)/, 'a shift by $1 bits is wider than the register'),
  row(/^invalid (BPF_\S+)/, '$1 does not exist in this form'),
  row(/^invalid (?:atomic operand size|may_goto imm)/, null),
  row(/^BPF_ATOMIC uses invalid atomic opcode (\w+)/, 'there is no atomic operation 0x$1'),
  row(
    /^BPF_LD_\[ABS\|IND\] instructions not allowed for this program type/,
    'only socket filters and tc programs have packet loads: use bpf_skb_load_bytes()',
  ),
  row(/^sign extending loads from arena/, null),
];
