/** Results of the suites that compare with Linux, a real CPU or another tool: [what, against, result, test]. */
export const heldAgainst: readonly (readonly [string, string, string, string])[] = [
  [
    'verifier verdicts',
    'Linux 6.12.117, test_verifier programs',
    '960 of 960; whole log 960',
    '`test/slow/verifier-conformance.test.ts`',
  ],
  [
    'verifier verdicts',
    'Linux 6.12.117, selftests for v3 and v4',
    '1,572 of 1,572; whole log 1,554',
    '`test/slow/verifier-conformance.test.ts`',
  ],
  [
    'verifier verdicts',
    'Linux 6.12.117, libbpf-tools',
    '133 of 133; whole log 133',
    '`test/slow/verifier-conformance.test.ts`',
  ],
  [
    'rewritten programs (xlated)',
    'Linux 6.12.117, the same four sets',
    '1,551 identical of 1,560',
    '`test/slow/xlated-conformance.test.ts`',
  ],
  [
    'machine code of those programs',
    'images of Linux 6.12.117',
    '1,551 identical of 1,560',
    '`test/slow/xlated-conformance.test.ts`',
  ],
  [
    'machine code of given xlated programs',
    'images of Linux 6.12.117',
    '1,560 identical of 1,560',
    '`test/jit/conformance.test.ts`',
  ],
  [
    'helpers of each program type',
    'get_func_proto of the real kernel',
    '123 combinations × 211 helpers equal',
    '`test/kernel-sim/bpf/helpers`',
  ],
  ['instructions, eBPF', 'bpf_conformance, 3 engines', '311 of 311 each', '`test/conformance/isa.test.ts`'],
  [
    'instructions, eBPF',
    "the kernel's test_bpf vectors, 3 engines",
    '378 of 378 each',
    '`test/conformance/isa.test.ts`',
  ],
  ['classic filters', "the kernel's test_bpf vectors, 3 engines", '99 of 99 each', '`test/conformance/isa.test.ts`'],
  ['tail calls', "the kernel's test_bpf vectors, 3 engines", '10 of 10 each', '`test/conformance/isa.test.ts`'],
  ['x86 instructions executed', 'a real CPU, 640 rows × 200 cases', 'no difference', '`test/machine/cpu-diff`'],
  ['x86 decoding and text', 'iced-x86, objdump', 'equal', '`test/x86`'],
  ['relocated programs', 'libbpf, libbpf-tools and selftests', '1,988 of 1,989', '`test/object/corpus.test.ts`'],
  ['BTF as C', 'bpftool, objects of the corpus', '426 of 426', '`test/btf/dump.test.ts`'],
  [
    'events of a real shell session',
    'Linux 6.12.117, 31 programs attached',
    '1,256 of 1,256',
    '`test/kernel-sim/real-run.test.ts`',
  ],
];
