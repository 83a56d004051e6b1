/** Commands that make files. */
import type { EmuCommand } from './command.ts';

export function addMaking(cli: EmuCommand): void {
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
