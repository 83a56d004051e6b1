/** Results of the suites that compare with Linux, a real CPU or another tool, as the suites wrote them (`test/results`). */
import { type Figures, figuresOf } from '../support/figures.ts';

type Row = readonly [what: string, against: string, result: string, test: string];

const number = (n: number | undefined): string => (n ?? 0).toLocaleString('en-US');
const of = (some: number | undefined, all: number | undefined): string => `${number(some)} of ${number(all)}`;
const ENGINES = ['interp', 'step', 'jit'] as const;

/** The figures of several parts, added. */
function sum(suite: string, parts: readonly string[]): Figures {
  const all = figuresOf(suite);
  const total: Record<string, number> = {};
  for (const part of parts) for (const [key, n] of Object.entries(all[part] ?? {})) total[key] = (total[key] ?? 0) + n;
  return total;
}

const SELFTESTS = ['verifier/selftests', 'verifier/selftests-v4'];
const ALL = ['raw', ...SELFTESTS, 'objects/libbpf-tools'];

function verdicts(what: string, parts: readonly string[]): Row {
  const f = sum('verifier', parts);
  return [
    'verifier verdicts',
    `Linux 6.12.117, ${what}`,
    `${of(f['verdict'], f['programs'])}; whole log ${number(f['log'])}`,
    '`test/slow/verifier-conformance.test.ts`',
  ];
}

/** Programs of a set that each engine runs as expected: the suite fails where one does not. */
function engines(what: string, against: string, part: string): Row {
  const counts = ENGINES.map((engine) => sum('isa', [`${part}, ${engine}`])['cases']);
  const same = counts.every((n) => n === counts[0]);
  return [
    what,
    `${against}, ${ENGINES.length} engines`,
    same ? `${of(counts[0], counts[0])} each` : counts.map(number).join(', '),
    '`test/conformance/isa.test.ts`',
  ];
}

const xlated = sum('xlated', ALL);
const jit = sum('jit', ['images']);
const helpers = sum('helpers', ['get_func_proto']);
const cpu = sum('cpu', ['full']);
const relocation = sum('relocation', ['objects/libbpf-tools', ...SELFTESTS]);
const run = sum('real-run', ['jit']);
const syscall = sum('bpf-syscall', ['recorded']);

export const heldAgainst: readonly Row[] = [
  verdicts('test_verifier programs', ['raw']),
  verdicts('selftests for v3 and v4', SELFTESTS),
  verdicts('libbpf-tools', ['objects/libbpf-tools']),
  [
    'rewritten programs (xlated)',
    'Linux 6.12.117, the same four sets',
    `${number(xlated['xlated'])} identical of ${number(xlated['accepted'])}`,
    '`test/slow/xlated-conformance.test.ts`',
  ],
  [
    'machine code of those programs',
    'images of Linux 6.12.117',
    `${number(xlated['jited'])} identical of ${number(xlated['images'])}`,
    '`test/slow/xlated-conformance.test.ts`',
  ],
  [
    'machine code of given xlated programs',
    'images of Linux 6.12.117',
    `${number(jit['identical'])} identical of ${number(jit['programs'])}`,
    '`test/jit/conformance.test.ts`',
  ],
  [
    'addresses of C lines in it',
    'jited_line_info of Linux 6.12.117',
    `${number(sum('jit-lines', ['objects/libbpf-tools', ...SELFTESTS])['identical'])} identical`,
    '`test/jit/lines.test.ts`',
  ],
  [
    'bpf(2) by its ABI: results, memory, logs',
    'Linux 6.12.117, random sequences of calls',
    of(syscall['equal'], syscall['calls']),
    '`test/kernel-sim/bpf/syscall/recorded.test.ts`',
  ],
  [
    'helpers of each program type',
    'get_func_proto of the real kernel',
    `${number(helpers['combinations'])} combinations × ${number(helpers['helpers'])} helpers equal`,
    '`test/kernel-sim/bpf/helpers`',
  ],
  engines('instructions, eBPF', 'bpf_conformance', 'bpf_conformance'),
  engines('instructions, eBPF', "the kernel's test_bpf vectors", 'test_bpf'),
  engines('classic filters', "the kernel's test_bpf vectors", 'classic filters'),
  engines('tail calls', "the kernel's test_bpf vectors", 'tail calls'),
  [
    'x86 instructions executed',
    `a real CPU, ${number(cpu['rows'])} rows × ${number((cpu['cases'] ?? 0) / (cpu['rows'] ?? 1))} cases`,
    'no difference',
    '`test/machine/cpu-diff`',
  ],
  ['x86 decoding and text', 'iced-x86, objdump', 'equal', '`test/x86`'],
  [
    'relocated programs',
    'libbpf, libbpf-tools and selftests',
    of(relocation['equal'], relocation['programs']),
    '`test/object/corpus.test.ts`',
  ],
  [
    'BTF as C and raw',
    'bpftool, objects of libbpf-tools and selftests',
    of(sum('btf', ['full'])['objects'], sum('btf', ['full'])['objects']),
    '`test/btf/dump.test.ts`',
  ],
  [
    'BTF that the kernel takes, and its log',
    'Linux 6.12.117, objects of libbpf-tools and selftests',
    of(
      sum('btf-load', ['libbpf-tools and selftests'])['objects'],
      sum('btf-load', ['libbpf-tools and selftests'])['objects'],
    ),
    '`test/btf/validate.test.ts`',
  ],
  [
    'events of a real shell session',
    `Linux 6.12.117, ${number(run['programs'])} programs attached`,
    of(run['events'], run['events']),
    '`test/kernel-sim/real-run.test.ts`',
  ],
];
