/** Executables and libraries that sections name: where they are, and where in them a function begins, as libbpf 1.5 finds both (`src/elf.c`, `bpf_program__attach_uprobe`). */
import { Executable, type ExecutableSymbol } from '../../elf/index.ts';
import { nearest } from '../../errors/near.ts';

/** What user space has: {@link ObjectKernel.root}. */
export interface UserFiles {
  read(path: string): Uint8Array | undefined;
}

/** where names without a slash are looked for: libraries, then programs */
const LIBRARIES = ['/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib64', '/lib'];
const PROGRAMS = ['/usr/bin', '/usr/sbin', '/bin', '/sbin'];

/** The path of a binary; a bare name is looked for where libbpf does. undefined: it is nowhere. */
export function resolveBinary(files: UserFiles, name: string): string | undefined {
  const isThere = (path: string): boolean => files.read(path) !== undefined;
  if (name.includes('/')) return isThere(name) ? name : undefined;
  const folders = name.endsWith('.so') || name.includes('.so.') ? LIBRARIES : PROGRAMS;
  return folders.map((folder) => `${folder}/${name}`).find(isThere);
}

/** @throws ElfError where it is none */
export const openBinary = (files: UserFiles, path: string): Executable =>
  Executable.parse(files.read(path) ?? new Uint8Array(0), path);

/** Offset in the file of a function's beginning. undefined where it has none of that name. */
export function functionOffset(binary: Executable, name: string): number | undefined {
  const symbol = binary.function(name);
  return symbol && binary.fileOffset(symbol.address);
}
export const nearFunctions = (binary: Executable, name: string): string[] =>
  nearest(name, new Set(binary.functionTables.flat().map((symbol) => symbol.name)), 3);

/** Functions whose names match a pattern of `*` and `?`, of the first table that has some: the full one, then the dynamic one. */
export function functionsLike(binary: Executable, pattern: string): readonly ExecutableSymbol[] {
  const like = new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  for (const table of binary.functionTables.toReversed()) {
    const found = table.filter(({ name }) => like.test(name));
    if (found.length > 0) return found;
  }
  return [];
}
