/** C to an object by the user's own clang, with headers of ours: `vmlinux.h` of the active BTF and libbpf's macros. */

import { builtinBtf } from '../../kernel-sim/data/builtin.ts';
import type { Btf } from '../btf/index.ts';
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { decodeUtf8, host } from '../platform/index.ts';
import { ClangError } from './error.ts';
import { headerFiles } from './headers/index.ts';

export { ClangError };

export interface CompileOptions {
  /** path of clang; default: `clang`, then the versioned names, newest first */
  readonly clang?: string;
  /** BTF for vmlinux.h, asked for only where the source includes it; default: Linux 6.12's */
  readonly btf?: () => Btf;
  /** further arguments for clang: `-DLIMIT=3`, `-Wall`, `-mcpu=v4` */
  readonly args?: readonly string[];
  /** clang may colour its diagnostics */
  readonly color?: boolean;
  /** called with what clang wrote though it succeeded: warnings */
  readonly warn?: (diagnostics: string) => void;
  /** of C text that is given itself, the file's name in diagnostics and line information; default `program.c` */
  readonly name?: string;
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

/** Text has lines or statements; a path has neither. */
const isText = (source: string): boolean => /[\n;{]/.test(source);

/**
 * Compiles C for BPF: `-O2 -g -target bpf`, with vmlinux.h and libbpf's headers to include.
 *
 * @param source path of a C file, or C text
 * @returns the object's bytes, for {@link BpfObject.open}
 * @throws ClangError with clang's diagnostics; FileError
 */
export function compile(source: string, options: CompileOptions = {}): Uint8Array {
  checkArgument('source', source, is.text);
  checkArgument('options', options, is.object);
  const name = isText(source) ? (options.name ?? 'program.c') : source;
  const text = isText(source) ? source : decodeUtf8(host.readFile(source));
  const clang = findClang(options.clang);
  const own = isText(source) ? [{ path: name.replace(/^.*\//, ''), text: () => source }] : [];
  let folder = '';
  const { status, stderr, output, error } = host.run({
    program: clang,
    files: [...headersFor(text, options.btf ?? builtinBtf), ...own],
    output: OBJECT,
    args: (directory, inside) => {
      folder = `${directory}/`;
      return [
        '-O2',
        '-g',
        '-target',
        'bpf',
        '-D__TARGET_ARCH_x86',
        '-D__x86_64__',
        options.color ? '-fcolor-diagnostics' : '-fno-color-diagnostics',
        `-I${directory}`,
        ...ASM_INCLUDES.filter(host.exists).flatMap((path) => ['-idirafter', path]),
        // text lies in a folder that is gone afterwards
        ...(own[0] ? [`-ffile-prefix-map=${folder}=`] : []),
        ...(options.args ?? []),
        '-c',
        own[0] ? inside(own[0].path) : source,
        '-o',
        inside(OBJECT),
      ];
    },
  });
  const diagnostics = own[0] ? stderr.replaceAll(`${folder}${own[0].path}`, name) : stderr;
  if (error !== undefined) throw new ClangError(`${clang}: ${error}`);
  if (status !== 0) throw new ClangError(`${name}: clang did not compile it`, diagnostics);
  if (!output) throw new ClangError(`${name}: ${clang} says it compiled it, but wrote no object`, diagnostics);
  if (diagnostics !== '') options.warn?.(diagnostics);
  return output;
}
