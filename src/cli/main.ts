/**
 * The command line. Each command is a module of its own that is loaded when asked for, so that
 * start-up pays only for what runs.
 *
 * Exit codes: 0 done; 1 the input was refused or could not be used, in one line that says why;
 * 2 the command line itself was wrong; 130 interrupted.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CPU_NAMES } from '../../kernel-sim/data/cpus.ts';
import { isMemorySize, MEMORY_SIZES } from '../machine/layout.ts';
import { FileError } from '../platform/index.ts';
import { report } from './errors.ts';

const engine = () =>
  new Option(
    '--engine <engine>',
    "what executes programs: 'jit' translated x86, 'step' x86 by the instruction, 'interp' BPF",
  )
    .choices(['jit', 'step', 'interp'])
    .default('jit');
const kallsyms = () => new Option('--kallsyms <file>', 'symbols of another kernel (its /proc/kallsyms, gzip too)');
const btf = () => new Option('--btf <file>', 'types of another kernel (its /sys/kernel/btf/vmlinux, gzip too)');
const mitigations = () =>
  new Option('--mitigations', 'the kernel mitigates speculation (without it, it is booted with mitigations=off)');
const cpu = () =>
  new Option('--cpu <model>', "the processor, by QEMU's name: what the JIT uses of it and must mitigate")
    .choices(CPU_NAMES)
    .default('max');
/** Whole numbers only: what is not one is a wrong command line. */
const whole =
  (min: number) =>
  (text: string): number => {
    const n = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(n) || n < min) throw new InvalidArgumentError(`It takes a whole number from ${min}.`);
    return n;
  };
const positive = (text: string): number => {
  const n = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (n <= 0) throw new InvalidArgumentError('It takes a number above 0.');
  return n;
};
const program = () =>
  new Option(
    '-p, --program <name>',
    'only this program of the object; repeat it, or use commas, for several',
  ).argParser((names: string, before: readonly string[] = []) => [...before, ...names.split(',')]);
const MULTIPLES: Readonly<Record<string, number>> = { '': 1, K: 1 << 10, M: 1 << 20, G: 1 << 30 };
const memory = () =>
  new Option(
    '--memory <size>',
    "the guest's RAM, 128M to 2G; only what is touched costs anything (default: 1G)",
  ).argParser((text: string): number => {
    const [, digits = '', unit = ''] = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
    const bytes = digits === '' ? Number.NaN : Number(digits) * (MULTIPLES[unit.toUpperCase()] as number);
    if (!isMemorySize(bytes)) throw new InvalidArgumentError(`It takes ${MEMORY_SIZES}: 512M, for example.`);
    return bytes;
  });
const history = () =>
  new Option('--history <size>', 'what the marks may take by which time goes back (default: 64M)').argParser(
    (text: string): number => {
      const [, digits = '', unit = ''] = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
      if (digits === '') throw new InvalidArgumentError('It takes a size: 64M, for example.');
      return Number(digits) * (MULTIPLES[unit.toUpperCase()] as number);
    },
  );
const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
const listOf = (text: string, before: readonly string[] = []): readonly string[] => [...before, ...text.split(',')];
const net = () =>
  new Option(
    '--net <devices>',
    'network devices, with addresses: eth0=10.0.0.2/24, veth0@veth1=10.1.0.1/24, dummy0; commas between several',
  ).argParser(listOf);
const pcap = () =>
  new Option(
    '--pcap <device=file>',
    'packets of a capture (pcap, pcapng) that arrive at a device; repeat it, or use commas, for several',
  ).argParser(listOf);
const json = () => new Option('--json', 'print JSON for machines');
const clang = () => new Option('--clang <path>', 'the clang that compiles a .c file');

/** Adds the options that say which kernel is modelled and which programs are meant. */
const withKernel = (command: Command): Command =>
  command
    .addOption(program())
    .addOption(engine())
    .addOption(kallsyms())
    .addOption(btf())
    .addOption(mitigations())
    .addOption(cpu())
    .addOption(memory())
    .addOption(clang());

/** Adds the options that stand for what a loader of the object's own would do. */
const withLoading = (command: Command): Command =>
  withKernel(command)
    .option(
      '--type <type>',
      "program type, or libbpf's section name, where the section does not say: xdp, kprobe, fentry",
    )
    .option('--attach <where>', 'attach type, target, or ATTACH_TYPE:TARGET, for the same programs')
    .option('--map <name=entries[:value_size]>', 'size of a map that a loader sets; repeat it for several', several)
    .option('--inner <name=map>', 'the map whose shape the inner maps of a map-in-map have', several)
    .option('--set <name=value>', 'value of a global variable', several)
    .option('--keep-going', 'pass over programs whose target is absent, and name them at the end');

function build(): Command {
  const cli = new Command('ebpf-emu')
    .description('Runs eBPF objects in a Linux 6.12 kernel model: verifier, JIT, machine code, probes, trace_pipe')
    .version('0.1.0')
    .exitOverride()
    .showHelpAfterError('(ebpf-emu --help lists the commands)');

  withLoading(cli.command('load'))
    .description('load an object, attach its programs, replay a recording, and print what comes out of trace_pipe')
    .argument('<file>', "clang's object file (or C, where clang is installed)")
    .argument('[command...]', "behind --: run it under this host's strace, and replay what it does while it does it")
    .option(
      '--replay <file>',
      'an `strace -f` recording (- for standard input, as it arrives); without it, the one that ships with ebpf-emu',
    )
    .option('--follow', 'at the end of the recording, wait for it to grow')
    .option('--speed <factor>', 'replay in the time that it took: 1 as it happened, 10 ten times as fast', positive)
    .addOption(net())
    .addOption(pcap())
    .option('--pcap-out <file>', 'write what the devices send, as pcap')
    .option('--dev <name>', 'the device that programs of XDP and tc are attached to', 'lo')
    .option('--log', "print the verifier's whole log where it refuses a program")
    .option(
      '--max-insns <n>',
      'end the run after this many machine instructions (and with interp, those of BPF)',
      whole(1),
    )
    .option('--no-verify', 'skip the verifier, to see what it protects from')
    .action(async (file, command, options) => (await import('./commands/load.ts')).load(file, command, options));

  withKernel(cli.command('debug'))
    .description(
      "a prompt like gdb's over a replay: steps, breakpoints and watchpoints, forwards and backwards in time",
    )
    .argument('<file>', "clang's object file")
    .option('--replay <file>', 'an `strace -f` recording; without it, the one that ships with ebpf-emu')
    .option('-x, --command <file>', 'commands to run first, one a line')
    .option(
      '--gdb <[host:]port>',
      "serve gdb's remote protocol there instead of a prompt (this host only, unless HOST says otherwise); - for standard input and output",
    )
    .option('--symbol-file <file>', 'write an ELF file with the symbols of the kernel, images and trampolines')
    .addOption(history())
    .action(async (file, options) => (await import('./commands/debug.ts')).debug(file, options));

  withKernel(cli.command('tui'))
    .description('watch a program run on the whole terminal, forwards and backwards: C, BPF and x86 side by side')
    .argument('<file>', "clang's object file (or C, where clang is installed)")
    .option('--replay <file>', 'an `strace -f` recording; without it, the one that ships with ebpf-emu')
    .addOption(history())
    .action(async (file, options) => (await import('./commands/tui.ts')).tui(file, options));

  withLoading(cli.command('verify'))
    .description("print the verifier's log in the kernel's format; ends 0 where every program is accepted, else 1")
    .argument('<file>', "clang's object file")
    .option(
      '--log-level <n>',
      'the log_level of BPF_PROG_LOAD: 1 branches, 2 every instruction, 4 statistics',
      whole(0),
      2,
    )
    .addOption(json())
    .action(async (file, options) => (await import('./commands/verify.ts')).verify(file, options));

  withLoading(cli.command('dump'))
    .description("show a program as the kernel holds it, in bpftool's words")
    .addArgument(new Command().createArgument('<what>').choices(['xlated', 'jited', 'elf', 'btf']))
    .argument('<file>', "clang's object file; raw BTF for btf; `tcpdump -ddd` text for xlated and jited")
    .addOption(new Option('--syntax <syntax>', 'assembly syntax').choices(['att', 'intel']).default('att'))
    .option('--opcodes', 'the bytes of each instruction')
    .option('--linum', 'file, line and column behind each C line')
    .option('--bpf', 'jited: the BPF instruction above its machine code')
    .addOption(new Option('--format <format>', "btf: bpftool's raw form, or C").choices(['raw', 'c']).default('raw'))
    .addOption(json())
    .action(async (what, file, options) => (await import('./commands/dump.ts')).dump(what, file, options));

  const listed = (name: 'symbols' | 'probes', what: string): Command =>
    cli
      .command(name)
      .description(what)
      .argument('[pattern]', 'a shell pattern: vfs_*, tracepoint:sched:*')
      .addOption(kallsyms())
      .addOption(btf())
      .addOption(json())
      .action(async (pattern, options) => (await import('./commands/symbols.ts'))[name](pattern, options));
  listed(
    'symbols',
    "list the kernel's functions: address, name, size, the probes that each takes, and which are never hit",
  );
  listed('probes', 'list what a replay passes through, and a probe can be hit at');

  withKernel(cli.command('inspect'))
    .description('show what an object file holds: programs, maps, globals, externs, relocations')
    .argument('<file>', "clang's object file")
    .addOption(json())
    .action(async (file, options) => (await import('./commands/inspect.ts')).inspect(file, options));

  cli
    .command('asm')
    .description('assemble BPF text to raw instructions, or to an object that can be loaded')
    .argument('<file>', 'text as `dump xlated` prints it, labels allowed; - for standard input')
    .option('-o, --output <file>', 'where to write; without it, hexadecimal to standard output')
    .option(
      '--section <name>',
      'make an object file with the program in this section, for example kprobe/do_sys_openat2',
    )
    .option('--license <license>', "the object's licence", 'GPL')
    .action(async (file, options) => (await import('./commands/asm.ts')).asm(file, options));

  const gen = cli.command('gen').description('write source for programs that use an object');
  gen
    .command('types')
    .description("the TypeScript type of an object's maps, variables and records, for BpfObject.open<Type>(...)")
    .argument('<file>', "clang's object file, with BTF (clang -g)")
    .option('-o, --output <file>', 'where to write: prog.ts, or prog.d.ts; without it, standard output')
    .option('--name <name>', "of the type; default: the file's, in capitals: Opensnoop")
    .action(async (file, options) => (await import('./commands/gen.ts')).types(file, options));

  withKernel(cli.command('exec'))
    .description(
      'run a program of the host with the model as its kernel: bpftool, BCC, bpftrace, your own loader (Linux x86-64)',
    )
    .argument('[command...]', 'behind --, the command and its arguments')
    .option('--replay <file>', 'an `strace -f` recording: what happens in the kernel while the command waits')
    .option('--then <what>', 'at the end of the recording: wait, or int as by Ctrl-C', 'wait')
    .option('--name <name>', 'keep the kernel under a name, for others to join')
    .option('--join <name>', 'run the command in the kernel of that name')
    .action(async (command, options) => (await import('./commands/exec.ts')).run(command, options));

  const prog = cli.command('prog').description('run programs by themselves');
  withLoading(prog.command('run'))
    .description('run a program on given data, as `bpftool prog run` does')
    .argument('<file>', "clang's object file, or raw instructions")
    .option('--data-in <file>', 'packet data (- for standard input)')
    .option('--pcap <file>', 'packets of a capture (pcap, pcapng): a run each; --data-out is a capture then')
    .option('--ctx-in <file>', 'context')
    .option('--data-out <file>', 'where the data go afterwards')
    .option('--ctx-out <file>', 'where the context goes afterwards')
    .option('--repeat <n>', 'how many times', whole(1), 1)
    .option('--max-insns <n>', 'stop after this many BPF instructions, over all repeats', whole(1))
    .option('--no-verify', 'skip the verifier, to see what it protects from')
    .addOption(json())
    .action(async (file, options) => (await import('./commands/run.ts')).progRun(file, options));
  return cli;
}

/** A reader that has seen enough (`| head`) ends the command, as SIGPIPE ends others. */
const BROKEN_PIPE = 141;
const onPipeError = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') process.exit(BROKEN_PIPE);
  // a full disk: what was to be seen is lost, so the command failed
  report(FileError.from(error, 'output'));
  process.exit(1);
};

/** Runs one command line and sets the exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr])
    if (!stream.listeners('error').includes(onPipeError)) stream.on('error', onPipeError);
  try {
    await build().parseAsync([...argv]);
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else process.exitCode = report(error);
  }
}
