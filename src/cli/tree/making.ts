/** Commands that make files. */
import { Argument } from 'commander';
import type { Commands, EmuCommand } from './command.ts';
import { withKernel } from './options.ts';

function addCompile(cli: EmuCommand): void {
  withKernel(cli.command('compile'))
    .description("compile C by this host's clang, with vmlinux.h and libbpf's headers of our own")
    .argument('<file>', 'the C source')
    .argument('[args...]', 'behind --: further arguments for clang')
    .option('-o, --output <file>', "where to write; default: the source's name with .o, here")
    .action(async (file, args, options) => (await import('../commands/compile.ts')).compileFile(file, args, options))
    .example('ebpf-emu compile prog.c -o prog.o', 'an object that `load` takes')
    .example('ebpf-emu compile prog.c -- -Wall -DLIMIT=3', 'with arguments for clang');
}

function addVmlinux(cli: EmuCommand): void {
  withKernel(cli.command('vmlinux.h'))
    .paged()
    .description("print the kernel's types as a C header, as `bpftool btf dump ... format c` does")
    .option('-o, --output <file>', 'where to write')
    .action(async (options) => (await import('../commands/compile.ts')).vmlinux(options))
    .example('ebpf-emu vmlinux.h -o vmlinux.h', 'of Linux 6.12')
    .example('ebpf-emu vmlinux.h --btf /sys/kernel/btf/vmlinux -o vmlinux.h', "of this host's kernel");
}

function addHeaders(cli: EmuCommand): void {
  withKernel(cli.command('headers'))
    .description('write the headers that `compile` gives programs to include: vmlinux.h and bpf/*.h')
    .argument('<directory>', 'where to')
    .action(async (directory, options) => (await import('../commands/compile.ts')).headers(directory, options))
    .example('ebpf-emu headers include', 'then: clang -O2 -g -target bpf -Iinclude -c prog.c -o prog.o');
}

function addAsm(cli: EmuCommand): void {
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
    .action(async (file, options) => (await import('../commands/asm.ts')).asm(file, options))
    .example('ebpf-emu asm prog.s --section xdp -o prog.o', 'an object that `load` takes');
}

function addCompletion(cli: EmuCommand): void {
  cli
    .command('completion')
    .description("print a shell's completion script for ebpf-emu")
    .addArgument(new Argument('<shell>', 'which').choices(['bash', 'zsh', 'fish']))
    .action(async (shell) => {
      const { completion } = await import('../completion/index.ts');
      (await import('../terminal.ts')).print(completion(cli, shell));
    })
    .example('source <(ebpf-emu completion bash)', 'in ~/.bashrc')
    .example('ebpf-emu completion fish > ~/.config/fish/completions/ebpf-emu.fish', 'once');
}

/** What completion scripts ask. */
function addComplete(cli: EmuCommand): void {
  cli
    .command('complete', { hidden: true })
    .description('print what may stand at the end of a command line, for completion scripts')
    .argument('<what>', 'what is asked for: programs, maps, topics')
    .argument('[words...]', 'behind --, the command line, the last word being what is completed')
    .action(async (what, words) => {
      const { candidates } = await import('../completion/names.ts');
      (await import('../terminal.ts')).print(await candidates(what, words));
    });
}

function addManual(cli: EmuCommand): void {
  cli
    .command('manual')
    .description('print the manual page, ebpf-emu(1), in roff')
    .action(async () => {
      const { manual } = await import('../manual.ts');
      (await import('../terminal.ts')).print(manual(cli));
    })
    .example('ebpf-emu manual | man -l -', 'where the package is not installed globally');
}

function addGen(cli: EmuCommand): void {
  const gen = cli.command('gen').description('write source for programs that use an object');
  gen
    .command('types')
    .description("the TypeScript type of an object's maps, variables and records, for BpfObject.open<Type>(...)")
    .argument('<file>', "clang's object file, with BTF (clang -g)")
    .option('-o, --output <file>', 'where to write: prog.ts, or prog.d.ts; without it, standard output')
    .option('--name <name>', "of the type; default: the file's, in capitals: Opensnoop")
    .action(async (file, options) => (await import('../commands/gen.ts')).types(file, options))
    .example('ebpf-emu gen types opensnoop.o -o opensnoop.ts', 'types for a test of it');
}

export const making: Commands = {
  compile: addCompile,
  'vmlinux.h': addVmlinux,
  headers: addHeaders,
  asm: addAsm,
  completion: addCompletion,
  complete: addComplete,
  manual: addManual,
  gen: addGen,
};
