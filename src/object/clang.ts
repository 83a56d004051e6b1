/** C to an object by the user's own clang, with headers of ours: `vmlinux.h` of the active BTF and libbpf's macros. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Btf } from '../btf/index.ts';
import { headerFiles } from './headers/index.ts';

/** clang is not there, or it refused the source: its own words are the message. */
export class ClangError extends Error {
  override readonly name = 'ClangError';
  /** what clang wrote, with its colours where it was asked for them; '' where it did not run */
  readonly diagnostics: string;
  constructor(message: string, diagnostics = '') {
    super(message);
    this.diagnostics = diagnostics;
  }
}

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

const runs = (clang: string): boolean => spawnSync(clang, ['--version'], { stdio: 'ignore' }).status === 0;

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

/** Writes the headers that the source may include. */
function writeHeaders(directory: string, source: string, btf: () => Btf): void {
  // vmlinux.h is megabytes; a header beside the source may include it, so only a plain absence spares it.
  const wanted = /vmlinux\.h|#\s*include\s*"/.test(source);
  for (const { path, text } of headerFiles(btf)) {
    if (path === 'vmlinux.h' && !wanted) continue;
    const at = join(directory, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text());
  }
}

/**
 * Compiles one C file for BPF: `-O2 -g -target bpf`.
 *
 * @returns the object's bytes
 * @throws ClangError, or Node's error of reading the file
 */
export function compile(file: string, options: CompileOptions): Uint8Array {
  const source = readFileSync(file, 'utf8');
  const clang = findClang(options.clang);
  const directory = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
  try {
    writeHeaders(directory, source, options.btf);
    const object = join(directory, 'object.o');
    const args = [
      '-O2',
      '-g',
      '-target',
      'bpf',
      '-D__TARGET_ARCH_x86',
      '-D__x86_64__',
      options.color ? '-fcolor-diagnostics' : '-fno-color-diagnostics',
      `-I${directory}`,
      ...ASM_INCLUDES.filter(existsSync).flatMap((path) => ['-idirafter', path]),
      ...(options.args ?? []),
      '-c',
      file,
      '-o',
      object,
    ];
    const result = spawnSync(clang, args, { encoding: 'utf8', maxBuffer: 1 << 26 });
    const diagnostics = result.stderr ?? '';
    if (result.error) throw new ClangError(`${clang}: ${result.error.message}`);
    if (result.status !== 0) throw new ClangError(`${file}: clang did not compile it`, diagnostics);
    if (diagnostics !== '') options.warn?.(diagnostics);
    return new Uint8Array(readFileSync(object));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
