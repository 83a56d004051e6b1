/** Commands that show what is in an object, and what a kernel makes of it. */
import { Argument, Option } from 'commander';
import type { Commands, EmuCommand } from './command.ts';
import { btf, json, kallsyms, several, whole, withKernel, withLoading, withProgram } from './options.ts';
import { addProgRun } from './running.ts';

/** What veristat takes. */
const statistics = (): Option[] =>
  [
    new Option('--stats', 'what verification of each program costs, as veristat prints it'),
    new Option(
      '-e, --emit <columns>',
      'columns: file,prog,verdict,duration,insns,states,peak_states,prog_size,stack ...',
    ),
    new Option(
      '-s, --sort <columns>',
      'order, the most first: insns,prog; behind a name ^ for the least first, and with -C _a, _b, _diff or _pct',
    ),
    new Option('-o, --output-format <format>', 'table, or CSV').choices(['table', 'csv']),
    new Option('-C, --compare', 'compare two CSV files that -o csv wrote'),
  ].map((option) => option.helpGroup('Statistics:'));

function addVerify(cli: EmuCommand): void {
  const verify = withLoading(cli.command('verify'))
    .paged()
    .description("print the verifier's log in the kernel's format; ends 0 where every program is accepted, else 1")
    .argument('<files...>', "clang's object files (with -C, two CSV files)")
    .option(
      '--log-level <n>',
      'the log_level of BPF_PROG_LOAD: 1 branches, 2 every instruction, 4 statistics',
      whole(0),
      2,
    )
    .option('--lines', 'what each C line costs the verifier: the instructions that it processed of it')
    .addOption(json());
  for (const option of statistics()) verify.addOption(option);
  verify
    .action(async (files, options) => (await import('../commands/verify.ts')).verify(files, options))
    .example('ebpf-emu verify prog.o', 'every instruction with the registers behind it')
    .example(
      'ebpf-emu verify --stats *.o -e prog,verdict,insns -s insns',
      'what each program costs, as veristat prints it',
    )
    .example('ebpf-emu verify --stats prog.o -o csv > before.csv', 'to compare with later')
    .example('ebpf-emu verify --stats -C before.csv after.csv', 'what changed');
}

function addDump(cli: EmuCommand): void {
  withLoading(cli.command('dump'))
    .paged()
    .description('show a program as the kernel holds it, as bpftool does, and what attaching it wrote into the kernel')
    .addArgument(
      new Argument('<what>', 'what to show').choices(['xlated', 'jited', 'elf', 'btf', 'text', 'trampoline', 'chain']),
    )
    .argument(
      '<file>',
      "clang's object file (or C); raw BTF for btf; `tcpdump -ddd` text for xlated and jited; a kernel function for text and trampoline",
    )
    .option('--opcodes', 'the bytes of each instruction')
    .option('--linum', 'file, line and column behind each C line')
    .option('--visual', 'xlated: the control flow, for dot(1)')
    .option('--annotate', 'C, BPF, what the verifier knew and x86 in columns')
    .option('--html <file>', 'the annotated listing as one HTML file')
    .option('--addresses', 'jited: where it lies, with bytes and symbols')
    .option('--bpf', 'jited: the BPF instruction above its machine code, with addresses')
    .addOption(
      new Option('--syntax <syntax>', 'jited: assembly syntax, intel with addresses')
        .choices(['att', 'intel'])
        .default('att'),
    )
    .addOption(new Option('--format <format>', "btf: bpftool's raw form, or C").choices(['raw', 'c']).default('raw'))
    .option(
      '--attached <file>',
      'text, trampoline: an object whose programs are attached; repeat it for several',
      several,
    )
    .option('--replay <file>', 'chain: the recording that reaches the program')
    .addOption(json())
    .action(async (what, file, options) => (await import('../commands/dump.ts')).dump(what, file, options))
    .example('ebpf-emu dump xlated hello.o', 'after the verifier rewrote it')
    .example('ebpf-emu dump jited hello.o --bpf', 'machine code below each BPF instruction')
    .example('ebpf-emu dump xlated hello.o --annotate', 'C, BPF, verifier and x86 beside each other')
    .example('ebpf-emu dump text do_sys_openat2 --attached hello.o', "the kernel's text before and after")
    .example('ebpf-emu dump chain hello.o', 'from the patched place to the program and back');
}

const listed = (cli: EmuCommand, name: 'symbols' | 'probes', what: string): EmuCommand =>
  cli
    .command(name)
    .paged()
    .description(what)
    .argument('[pattern]', 'a shell pattern: vfs_*, tracepoint:sched:*')
    .addOption(kallsyms())
    .addOption(btf())
    .addOption(json())
    .action(async (pattern, options) => (await import('../commands/symbols.ts'))[name](pattern, options));

function addSymbols(cli: EmuCommand): void {
  listed(
    cli,
    'symbols',
    "list the kernel's functions: address, name, size, the probes that each takes, and which are never hit",
  ).example("ebpf-emu symbols 'tcp_*'", 'functions of that beginning');
}

function addProbes(cli: EmuCommand): void {
  listed(cli, 'probes', 'list what a replay passes through, and a probe can be hit at').example(
    "ebpf-emu probes 'tracepoint:sched:*'",
    'tracepoints of the scheduler',
  );
}

function addInspect(cli: EmuCommand): void {
  withProgram(cli.command('inspect'))
    .paged()
    .description('show what an object file holds: programs, maps, globals, externs, relocations')
    .argument('<file>', "clang's object file")
    .addOption(json())
    .action(async (file, options) => (await import('../commands/inspect.ts')).inspect(file, options))
    .example('ebpf-emu inspect hello.o', 'without loading it');
}

function addDiff(cli: EmuCommand): void {
  withLoading(cli.command('diff'))
    .paged()
    .description(
      'what differs between the programs of two objects: instructions, image, stack, what verification costs',
    )
    .argument('<first>', 'an object file (or C)')
    .argument('<second>', 'another')
    .addOption(json())
    .action(async (first, second, options) => (await import('../commands/diff.ts')).diff(first, second, options))
    .example('ebpf-emu diff before.o after.o', 'ends 0 where they are the same, else 1');
}

function addExplain(cli: EmuCommand): void {
  withKernel(cli.command('explain'))
    .paged()
    .description('what a message of the verifier means, with a program that is refused and one that is accepted')
    .argument(
      '[words...]',
      'a topic, a message or a whole log (- reads one), or the name of a function; without, the topics are listed',
    )
    .action(async (words, options) => (await import('../commands/explain.ts')).explain(words, options))
    .example('ebpf-emu explain null-check', 'a topic')
    .example(`ebpf-emu explain "R0 invalid mem access 'scalar'"`, 'a message')
    .example('ebpf-emu explain _do_fork', 'what became of a function that a tutorial probes');
}

const GROUPS = {
  prog: [
    'run programs by themselves, and show those of a kernel, as bpftool does',
    { show: 'list programs', dump: 'list instructions: xlated or jited' },
  ],
  map: ['show maps, as bpftool does', { show: 'list maps', dump: 'print entries', lookup: 'print one entry' }],
  link: ['show links, as bpftool does', { show: 'list links' }],
  btf: ['show BTF, as bpftool does', { show: 'list BTF objects', dump: 'print types' }],
} as const;

/** `prog show`, `map dump` and so on, of a kernel into which objects were loaded. */
const bpftool =
  (object: keyof typeof GROUPS) =>
  (cli: EmuCommand): void => {
    const [what, verbs] = GROUPS[object];
    const group = cli.command(object).description(what);
    if (object === 'prog') addProgRun(group);
    for (const [verb, does] of Object.entries(verbs)) {
      const command = withKernel(group.command(verb))
        .paged()
        .description(`${does}, in the grammar and with the text of \`bpftool ${object} ${verb}\``)
        .argument(
          '[words...]',
          'object files that are loaded and attached first, then what bpftool takes: id 3, name counts',
        )
        .option('-j, --json', 'JSON on one line')
        .option('-p, --pretty', 'JSON, a line a member')
        .option('--replay <file>', 'an `strace -f` recording that is replayed before')
        .action(async (words, options) =>
          (await import('../commands/bpftool.ts')).show([object, verb], words, options),
        );
      if (verb === 'show') command.alias('list');
      command.example(`ebpf-emu ${object} ${verb} ${EXAMPLES[`${object} ${verb}`] ?? 'hello.o'}`, does);
    }
  };

const EXAMPLES: Readonly<Record<string, string>> = {
  'prog dump': 'hello.o xlated name hello opcodes',
  'map dump': 'counts.o name counts --replay ls.strace',
  'map lookup': 'counts.o name counts key 1 0 0 0',
  'btf dump': 'file hello.o format c',
};

export const looking: Commands = {
  verify: addVerify,
  dump: addDump,
  symbols: addSymbols,
  probes: addProbes,
  inspect: addInspect,
  diff: addDiff,
  explain: addExplain,
  prog: bpftool('prog'),
  map: bpftool('map'),
  link: bpftool('link'),
  btf: bpftool('btf'),
};
