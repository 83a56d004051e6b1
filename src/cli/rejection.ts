/** What a person needs of a refusal: the verifier's last words, the instruction, the C line, and what it means. */

export interface Rejection {
  /** the verifier's own words, the line that decides */
  readonly message: string;
  /** instruction at which it stopped, as the log shows it */
  readonly insn: string | undefined;
  /** C line above it: `*n += 1; @ rejected.c:20` */
  readonly source: string | undefined;
  /** what the message means and what to do; undefined for messages that no row below knows */
  readonly meaning: string | undefined;
}

const INSN = /^\d+: \([0-9a-f]{2}\) /;
/** Lines that carry state or bookkeeping, not the verdict. */
const NOISE =
  /^(?:processed \d|mark_precise:|func#\d|from \d+ to |\d+: |; |verification time|stack depth|live regs|arg#\d+ reference type|parent state|last_idx)/;

/** Messages of Linux 6.12's verifier and what they mean to the author of the program. */
const meanings: readonly (readonly [message: RegExp, meaning: string])[] = [
  [/invalid mem access '(\w+)_or_null'/, 'the pointer may be NULL here: compare it with NULL before it is used'],
  [
    /invalid mem access 'scalar'/,
    'this is a number, not a pointer the verifier knows: read kernel memory with bpf_probe_read_kernel() or through BTF types',
  ],
  [/!read_ok/, 'the register was never written on this path: initialise the variable'],
  [
    /invalid access to map value/,
    "the access may lie outside the map's value: bound the index with a comparison or a mask first",
  ],
  [/invalid access to packet/, 'the packet may be shorter: compare the pointer with data_end before reading'],
  [
    /invalid (?:read from|write to|indirect read from|indirect access to|variable-offset) .*stack|invalid stack/,
    'the access leaves the stack frame (512 bytes) or reads bytes that were never written',
  ],
  [
    /unbounded memory access|min value is negative|max value is outside/,
    'the verifier knows no upper or lower bound here: compare or mask the value before it is used as an index or size',
  ],
  [
    /back-edge from insn|infinite loop detected/,
    'the loop has no end that the verifier can see: bound it with a constant, or use bpf_loop()',
  ],
  [
    /BPF program is too large|too complex|The sequence of \d+ jumps/,
    'the verifier gave up after a million instructions: simplify loops and branches, or split the program into subprograms',
  ],
  [/unreachable insn/, 'there is code that nothing reaches'],
  [/(?:unknown|invalid) func unknown#\d/, 'Linux 6.12 has no helper of this number'],
  [
    /unknown func|program of this type cannot use helper|invalid func/,
    'programs of this type may not call this helper',
  ],
  [
    /cannot call GPL-restricted function/,
    'the helper is for GPL-compatible programs: char LICENSE[] SEC("license") = "GPL"',
  ],
  [
    /Unreleased reference/,
    'a reference that was taken (socket, ring buffer record, task ...) is not released on every path',
  ],
  [/At program exit the register R0/, 'this type of program must return one of certain values'],
  [/R\d type=(\S+) expected=/, 'a helper is called with the wrong kind of argument'],
  [/invalid bpf_context access/, 'this offset of the context may not be read or written in this type of program'],
  [
    /leaks addr|pointer comparison prohibited|pointer arithmetic .* prohibited/,
    'programs without privileges may not let kernel addresses out',
  ],
  [/misaligned/, 'the access is not aligned to its size'],
  [
    /stack size .* is too large|combined stack size/,
    'the call chain needs more than 512 bytes of stack: move buffers to a map',
  ],
];

/** Reads the end of a log. */
export function explainRejection(log: string): Rejection {
  const lines = log.split('\n').map((line) => line.trimEnd());
  const words = lines.filter((line) => line !== '' && !NOISE.test(line));
  const message = words.at(-1) ?? 'the verifier gives no reason';
  const stop = lines.lastIndexOf(message);
  const before = lines.slice(0, stop < 0 ? lines.length : stop);
  const insn = before.findLast((line) => INSN.test(line));
  const source = before.findLast((line) => line.startsWith('; '))?.slice(2);
  return {
    message,
    insn: insn?.replace(/\s+; .*$/, ''),
    source,
    meaning: meanings.find(([pattern]) => pattern.test(message))?.[1],
  };
}
