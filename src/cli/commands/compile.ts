/** `ebpf-emu compile`, `vmlinux.h` and `headers`: what a C program of BPF needs to become an object. */
import { mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { dumpC } from '../../btf/index.ts';
import { compile } from '../../object/clang.ts';
import { headerFiles } from '../../object/headers/index.ts';
import { encodeUtf8, FileError } from '../../platform/index.ts';
import { UserError } from '../errors.ts';
import { writeOutput } from '../files.ts';
import { boot, type KernelOptions } from '../session.ts';
import { err } from '../standard.ts';
import { plural, stage } from '../style.ts';
import { colours, print } from '../terminal.ts';

export interface CompileCommandOptions extends KernelOptions {
  readonly output?: string;
}

/** @param args for clang itself */
export async function compileFile(
  file: string,
  args: readonly string[],
  options: CompileCommandOptions,
): Promise<void> {
  const output = options.output ?? `${basename(file).replace(/\.c$/, '')}.o`;
  if (output === file) throw new UserError(`${file}: the object would take its place; name another with -o`);
  const kernel = await boot(options);
  const bytes = compile(file, {
    ...(options.clang === undefined ? {} : { clang: options.clang }),
    btf: () => kernel.btf,
    color: colours,
    args,
    warn: (diagnostics) => err.write(diagnostics),
  });
  writeOutput(output, bytes);
  stage('clang', `${file}: ${plural(bytes.length, 'byte')} to ${output}`);
}

export interface HeaderOptions extends KernelOptions {
  readonly output?: string;
}

/** The kernel's types as C: to standard output, or a file. */
export async function vmlinux(options: HeaderOptions): Promise<void> {
  const { btf } = await boot(options);
  const text = dumpC(btf);
  if (options.output === undefined) print(text);
  else writeOutput(options.output, encodeUtf8(text));
}

/** Writes what `compile` gives programs to include. */
export async function headers(directory: string, options: HeaderOptions): Promise<void> {
  const { btf } = await boot(options);
  const files = headerFiles(() => btf);
  for (const { path, text } of files) {
    const file = join(directory, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
    } catch (error) {
      throw FileError.from(error, directory);
    }
    writeOutput(file, encodeUtf8(text()));
  }
  stage('headers', `${plural(files.length, 'file')} in ${directory}: clang -O2 -g -target bpf -I${directory} ...`);
}
