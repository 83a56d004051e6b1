/** Options that several commands have, and the groups in which help shows them. */
import { InvalidArgumentError, Option } from 'commander';
import { TRACE_FORMATS } from '../../../kernel-sim/core/options.ts';
import { CPU_NAMES } from '../../../kernel-sim/data/cpus.ts';
import { FILE_SYSTEM_NAMES } from '../../../kernel-sim/data/file-systems.ts';
import { isMemorySize, MEMORY_SIZES } from '../../machine/layout.ts';
import { WORKLOADS } from '../../replay/workloads/index.ts';
import type { EmuCommand } from './command.ts';

export const engine = () =>
  new Option(
    '--engine <engine>',
    "what executes programs: 'jit' translated x86, 'step' x86 by the instruction, 'interp' BPF",
  )
    .choices(['jit', 'step', 'interp'])
    .default('jit');
export const kallsyms = () =>
  new Option('--kallsyms <file>', 'symbols of another kernel (its /proc/kallsyms, gzip too)');
export const btf = () => new Option('--btf <file>', 'types of another kernel (its /sys/kernel/btf/vmlinux, gzip too)');
export const mitigations = () =>
  new Option('--mitigations', 'the kernel mitigates speculation (without it, it is booted with mitigations=off)');
export const cpu = () =>
  new Option('--cpu <model>', "the processor, by QEMU's name: what the JIT uses of it and must mitigate")
    .choices(CPU_NAMES)
    .default('max');
/** Whole numbers only: what is not one is a wrong command line. */
export const whole =
  (min: number) =>
  (text: string): number => {
    const n = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(n) || n < min) throw new InvalidArgumentError(`It takes a whole number from ${min}.`);
    return n;
  };
export const cpus = () =>
  new Option(
    '--cpus <n>',
    'CPUs, 1 to 64; a task runs on the one that its recording says, else its pid (default: 1)',
  ).argParser((text: string): number => {
    const n = /^\d{1,3}$/.test(text) ? Number(text) : 0;
    if (n < 1 || n > 64) throw new InvalidArgumentError('It takes a whole number from 1 to 64.');
    return n;
  });
export const seed = () =>
  new Option('--seed <n>', 'of everything random: the same number, the same run (default: 1)').argParser(whole(0));
export const positive = (text: string): number => {
  const n = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  if (n <= 0) throw new InvalidArgumentError('It takes a number above 0.');
  return n;
};
export const program = () =>
  new Option(
    '-p, --program <name>',
    'only this program of the object; repeat it, or use commas, for several',
  ).argParser((names: string, before: readonly string[] = []) => [...before, ...names.split(',')]);
const MULTIPLES: Readonly<Record<string, number>> = { '': 1, K: 1 << 10, M: 1 << 20, G: 1 << 30 };
export const memory = () =>
  new Option(
    '--memory <size>',
    "the guest's RAM, 128M to 2G; only what is touched costs anything (default: 1G)",
  ).argParser((text: string): number => {
    const [, digits = '', unit = ''] = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
    const bytes = digits === '' ? Number.NaN : Number(digits) * (MULTIPLES[unit.toUpperCase()] as number);
    if (!isMemorySize(bytes)) throw new InvalidArgumentError(`It takes ${MEMORY_SIZES}: 512M, for example.`);
    return bytes;
  });
export const history = () =>
  new Option('--history <size>', 'what the marks may take by which time goes back (default: 64M)').argParser(
    (text: string): number => {
      const [, digits = '', unit = ''] = /^(\d+)([KMG]?)(?:i?B)?$/i.exec(text) ?? [];
      if (digits === '') throw new InvalidArgumentError('It takes a size: 64M, for example.');
      return Number(digits) * (MULTIPLES[unit.toUpperCase()] as number);
    },
  );
export const several = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
export const listOf = (text: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...text.split(','),
];
export const net = () =>
  new Option(
    '--net <devices>',
    'network devices, with addresses: eth0=10.0.0.2/24, veth0@veth1=10.1.0.1/24, dummy0; commas between several',
  ).argParser(listOf);
export const cgroup = () =>
  new Option(
    '--cgroup <path=pid:PID>',
    'cgroups, with the tasks that are in them: /pod1=pid:100, /pod1/app; commas between several',
  ).argParser(listOf);
export const pcap = () =>
  new Option(
    '--pcap <device=file>',
    'packets of a capture (pcap, pcapng) that arrive at a device; repeat it, or use commas, for several',
  ).argParser(listOf);
export const rootfs = () =>
  new Option('--rootfs <type>', 'type of the root file system, whose module is loaded then').choices(FILE_SYSTEM_NAMES);
export const traceFormat = () =>
  new Option('--trace-format <kernel>', 'lines of trace_pipe as that kernel writes them')
    .choices(TRACE_FORMATS)
    .default('6.12');
export const sysroot = () =>
  new Option(
    '--sysroot <directory>',
    'executables and libraries of user space: a directory whose files programs and sections name (read only)',
  );
export const workload = () =>
  new Option('--workload <name>', 'instead of a recording, one of these, with --seed in another way each time').choices(
    WORKLOADS,
  );
export const json = () => new Option('--json', 'print JSON for machines');
export const clang = () => new Option('--clang <path>', 'the clang that compiles a .c file');

const KERNEL = 'Kernel:';
const LOADING = 'In place of a loader:';

/** Adds the options that say which kernel is modelled. */
export function withKernel(command: EmuCommand): EmuCommand {
  const options = [
    engine(),
    kallsyms(),
    btf(),
    mitigations(),
    cpu(),
    cpus(),
    seed(),
    memory(),
    clang(),
    rootfs(),
    sysroot(),
    traceFormat(),
  ];
  for (const option of options) command.addOption(option.helpGroup(KERNEL));
  return command;
}

/** ... and which programs of an object are meant. */
export const withProgram = (command: EmuCommand): EmuCommand => {
  command.addOption(program());
  return withKernel(command);
};

/** Adds the options that stand for what a loader of the object's own would do, too. */
export function withLoading(command: EmuCommand): EmuCommand {
  const options = [
    new Option(
      '--type <type>',
      "program type, or libbpf's section name, where the section does not say: xdp, kprobe, fentry",
    ),
    new Option('--attach <where>', 'attach type, target, or ATTACH_TYPE:TARGET, for the same programs'),
    new Option(
      '--map <name=entries[:value_size]>',
      'size of a map that a loader sets; repeat it for several',
    ).argParser(several),
    new Option('--inner <name=map>', 'the map whose shape the inner maps of a map-in-map have').argParser(several),
    new Option('--set <name=value>', 'value of a global variable').argParser(several),
    new Option('--keep-going', 'pass over programs whose target is absent, and name them at the end'),
  ];
  command.addOption(program());
  for (const option of options) command.addOption(option.helpGroup(LOADING));
  return withKernel(command);
}
