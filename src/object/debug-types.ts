/**
 * Structures of a program that its BTF does not name: clang keeps there what globals, functions and CO-RE need, and a record
 * that is only reserved in a ring buffer is none of these. `.debug_info` has them all.
 */
import type { Btf } from '../btf/index.ts';
import { Dwarf, DwarfError } from '../dwarf/index.ts';
import type { ElfFile } from '../elf/index.ts';
import { equalBytes } from '../platform/index.ts';

export interface DebugTypes {
  readonly btf: Btf;
  /** the program's own structures */
  readonly ids: readonly number[];
}

/** Each test of a file opens it anew, and the types of vmlinux.h take longer to read than a test: the last files' are kept. */
const KEPT = 4;
const kept: { readonly bytes: Uint8Array; readonly types: DebugTypes | undefined }[] = [];

/** undefined where the object has no .debug_info, or a damaged one. */
export function debugTypes(elf: ElfFile): DebugTypes | undefined {
  const known = kept.find(({ bytes }) => equalBytes(bytes, elf.bytes));
  if (known) return known.types;
  const types = read(elf);
  kept.unshift({ bytes: elf.bytes, types });
  kept.length = Math.min(kept.length, KEPT);
  return types;
}

function read(elf: ElfFile): DebugTypes | undefined {
  try {
    const dwarf = Dwarf.read(elf);
    return dwarf && { btf: dwarf.btf, ids: dwarf.ownStructures() };
  } catch (error) {
    if (error instanceof DwarfError) return undefined;
    throw error;
  }
}
