/** C to an object by the user's own clang, with headers of ours: `vmlinux.h` of the active BTF and libbpf's macros. */

import type { Btf } from '../btf/index.ts';
import { decodeUtf8, host } from '../platform/index.ts';
import { ClangError } from './error.ts';
import { headerFiles } from './headers/index.ts';

export { ClangError };

export interface CompileOptions {
  /** path of clang; default: `clang`, then the versioned names, newest first */
  readonly clang?: string;
  /** BTF for vmlinux.h, asked for only where the source includes it */
  readonly btf: () => Btf;
  /** further arguments for clang */
  readonly args?: readonly string[];
  /** clang may colour its diagnostics */
  readonly color?: boolean;
  /** called with what clang wrote though it succeeded */
  readonly warn?: (diagnostics: string) => void;
}

const NEWEST = 22;
const OLDEST = 10;
/** Where Debian and its descendants keep the machine's asm/ headers. */
const ASM_INCLUDES = ['/usr/include/x86_64-linux-gnu', '/usr/include/aarch64-linux-gnu'];

const INSTALL = `clang is needed to compile C, and none was found.
  Debian, Ubuntu: apt install clang    Fedora: dnf install clang    Arch: pacman -S clang    macOS: brew install llvm
or give its path with --clang, or an object file in place of the source`;

const runs = (clang: string): boolean => host.run({ program: clang, args: () => ['--version'] }).status === 0;

/** The clang to use. @throws ClangError where there is none */
export function findClang(given?: string): string {
  if (given !== undefined) {
    if (!runs(given)) throw new ClangError(`${given}: it does not run as clang; give the path of one with --clang`);
    return given;
  }
  const names = ['clang', ...Array.from({ length: NEWEST - OLDEST + 1 }, (_, n) => `clang-${NEWEST - n}`)];
  const found = names.find(runs);
  if (found === undefined) throw new ClangError(INSTALL);
  return found;
}

/** The headers that the source may include. */
function headersFor(source: string, btf: () => Btf): { path: string; text: () => string }[] {
  // vmlinux.h is megabytes; a header beside the source may include it, so only a plain absence spares it.
  const wanted = /vmlinux\.h|#\s*include\s*"/.test(source);
  return headerFiles(btf).filter(({ path }) => path !== 'vmlinux.h' || wanted);
}

const OBJECT = 'object.o';

/**
 * Compiles one C file for BPF: `-O2 -g -target bpf`.
 *
 * @returns the object's bytes
 * @throws ClangError, FileError
 */
export function compile(file: string, options: CompileOptions): Uint8Array {
  const source = decodeUtf8(host.readFile(file));
  const clang = findClang(options.clang);
  const { status, stderr, output, error } = host.run({
    program: clang,
    files: headersFor(source, options.btf),
    output: OBJECT,
    args: (directory, inside) => [
      '-O2',
      '-g',
      '-target',
      'bpf',
      '-D__TARGET_ARCH_x86',
      '-D__x86_64__',
      options.color ? '-fcolor-diagnostics' : '-fno-color-diagnostics',
      `-I${directory}`,
      ...ASM_INCLUDES.filter(host.exists).flatMap((path) => ['-idirafter', path]),
      ...(options.args ?? []),
      '-c',
      file,
      '-o',
      inside(OBJECT),
    ],
  });
  if (error !== undefined) throw new ClangError(`${clang}: ${error}`);
  if (status !== 0) throw new ClangError(`${file}: clang did not compile it`, stderr);
  if (!output) throw new ClangError(`${file}: ${clang} says it compiled it, but wrote no object`, stderr);
  if (stderr !== '') options.warn?.(stderr);
  return output;
}
