/** Control flow: what is reached, what ends, and how long the verifier looks. */
import { insnText } from '../log.ts';
import { type Row, row } from '../row.ts';

export const flow: readonly Row[] = [
  row(/^infinite loop detected at insn (\d+)/, ([, at = ''], log) => {
    const test = [...log.insnsBack()].find((insn) => /^if /.test(insn.text));
    return `the program comes back to instruction ${at} with nothing changed, so the loop never ends${test ? `; its last test was ${insnText(test)}` : ''}: count in a variable that the test looks at, or use bpf_loop()`;
  }),
  row(
    /^back-edge from insn (\d+) to (\d+)/,
    'instruction $1 jumps back to $2, and programs loaded without CAP_BPF have no loops: unroll it (#pragma unroll)',
  ),
  row(
    /^unreachable insn (\d+)/,
    'no path leads to instruction $1: code behind a jump, or a function that nothing calls',
  ),
  row(/^jump out of range from insn (\d+) to (-?\d+)/, 'instruction $1 jumps to $2, outside of its function'),
  row(
    /^jump into the middle of ldimm64 insn (\d+)/,
    'a jump goes to the second half of instruction $1, which takes two slots',
  ),
  row(
    /^last insn is not an exit or jmp/,
    'the program or a function of it runs over its end: it must end with exit or a jump',
  ),
  row(
    /^BPF program is too large\. Processed (\d+) insn/,
    'the verifier gave up after walking $1 instructions: simplify branches in loops, use bpf_loop(), or split the program into global functions',
  ),
  row(
    /^The sequence of (\d+) jumps is too complex/,
    '$1 branches wait to be walked: simplify loops and branches, or split the program into global functions',
  ),
  row(/^invalid insn idx/, null),
  row(
    /^(?:verifier (?:bug|BUG|internal error)|BUG|bug:|kernel subsystem misconfigured func|bpf verifier is misconfigured)/,
    null,
  ),
  row(
    /^insn (\d+) cannot be patched due to 16-bit range/,
    'what takes the place of instruction $1 makes a jump too long: make the function shorter',
  ),
];
