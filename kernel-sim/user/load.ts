/**
 * What execve(2) makes of an executable: its segments mapped, and the stack that it begins on (Linux 6.12
 * fs/binfmt_elf.c, documented in x86-64 psABI 3.4 "Process Initialization"; getauxval(3)). Addresses are those of a
 * process without randomisation (personality ADDR_NO_RANDOMIZE).
 */

import { Executable, PF_R, PF_W, PF_X, type Segment } from '../../src/elf/index.ts';
import type { Addr } from '../../src/machine/addr.ts';
import { PAGE_SIZE } from '../../src/machine/index.ts';
import { encodeUtf8 } from '../../src/platform/index.ts';
import { PROT } from '../../src/uapi/process.ts';
import { KernelError } from '../core/errno.ts';
import type { AddressSpace } from './address-space.ts';

/** where position independent executables go, and the top of stack and of mappings */
const ELF_ET_DYN_BASE: Addr = 0x5555_5555_4000;
const STACK_TOP: Addr = 0x7fff_ffff_f000;
export const MMAP_BASE: Addr = 0x7fff_f7ff_f000;
/** mapped at once; what a program of the model's size uses */
const STACK_BYTES = 256 << 10;

const AT = {
  NULL: 0,
  PHDR: 3,
  PHENT: 4,
  PHNUM: 5,
  PAGESZ: 6,
  BASE: 7,
  FLAGS: 8,
  ENTRY: 9,
  UID: 11,
  EUID: 12,
  GID: 13,
  EGID: 14,
  PLATFORM: 15,
  HWCAP: 16,
  CLKTCK: 17,
  SECURE: 23,
  RANDOM: 25,
  HWCAP2: 26,
  EXECFN: 31,
} as const;

export interface ImageRequest {
  readonly path: string;
  readonly argv: readonly Uint8Array[];
  readonly envp: readonly Uint8Array[];
  /** sixteen bytes, as AT_RANDOM gives them */
  readonly random: Uint8Array;
  /** CPUID.1:EDX */
  readonly hwcap: number;
}
export interface LoadedImage {
  readonly entry: Addr;
  readonly sp: Addr;
  /** first address behind its data */
  readonly brk: Addr;
  readonly code: { readonly start: Addr; readonly end: Addr };
}

const down = (at: number): number => at - (at % PAGE_SIZE);
const up = (at: number): number => down(at + PAGE_SIZE - 1);

/** Executable of a file. @throws KernelError ENOEXEC saying what it is not */
export function executableOf(bytes: Uint8Array, path: string): Executable {
  try {
    return Executable.parse(bytes, path);
  } catch (error) {
    throw new KernelError('ENOEXEC', error instanceof Error ? error.message : String(error));
  }
}

/** @throws KernelError ENOEXEC, ENOENT where its dynamic linker is not there */
export function loadImage(
  space: AddressSpace,
  file: Executable,
  request: ImageRequest,
  read: (path: string) => Uint8Array | undefined,
): LoadedImage {
  const base = file.type === 'exec' ? 0 : ELF_ET_DYN_BASE;
  const main = mapSegments(space, file, request.path, base);
  const linker = file.interpreter;
  let entry = base + file.entry;
  let linkerBase = 0;
  if (linker !== undefined) {
    const bytes = read(linker);
    if (bytes === undefined)
      throw new KernelError('ENOENT', `${request.path} is linked dynamically, and its ${linker} is not there`);
    const dynamic = executableOf(bytes, linker);
    linkerBase = space.gap(up(Math.max(...dynamic.loads.map((l) => l.vaddr + l.memsz))), MMAP_BASE);
    mapSegments(space, dynamic, linker, linkerBase);
    entry = linkerBase + dynamic.entry;
  }
  space.map(anonymous(STACK_TOP - STACK_BYTES, STACK_TOP, '[stack]'));
  const phdr = file.addressOf(file.phoff);
  const sp = writeStack(space, request, [
    [AT.HWCAP, request.hwcap >>> 0],
    [AT.PAGESZ, PAGE_SIZE],
    [AT.CLKTCK, 100],
    [AT.PHDR, phdr === undefined ? 0 : base + phdr],
    [AT.PHENT, 56],
    [AT.PHNUM, file.segments.length],
    [AT.BASE, linkerBase],
    [AT.FLAGS, 0],
    [AT.ENTRY, base + file.entry],
    [AT.UID, 0],
    [AT.EUID, 0],
    [AT.GID, 0],
    [AT.EGID, 0],
    [AT.SECURE, 0],
    // rdfsbase and its kin may be used
    [AT.HWCAP2, 2],
  ]);
  return { entry, sp, brk: main.brk, code: main.code };
}

const anonymous = (start: Addr, end: Addr, name: string) => ({
  start,
  end,
  prot: PROT.READ | PROT.WRITE,
  shared: false,
  name,
  offset: 0,
});

function mapSegments(space: AddressSpace, file: Executable, path: string, base: Addr) {
  const { loads } = file;
  if (loads.length === 0) throw new KernelError('ENOEXEC', `${path}: nothing of it is to be loaded`);
  let brk = 0;
  let code = { start: 0, end: 0 };
  for (const s of loads) {
    mapSegment(space, file, s, path, base);
    brk = Math.max(brk, up(base + s.vaddr + s.memsz));
    if (s.flags & PF_X) code = { start: base + s.vaddr, end: base + s.vaddr + s.filesz };
  }
  return { brk, code };
}

/** Pages of the file, then those behind it that are zero; what lies behind the file's bytes in its last page is zero too. */
function mapSegment(space: AddressSpace, file: Executable, s: Segment, path: string, base: Addr): void {
  const prot = (s.flags & PF_R ? PROT.READ : 0) | (s.flags & PF_W ? PROT.WRITE : 0) | (s.flags & PF_X ? PROT.EXEC : 0);
  const start = base + down(s.vaddr);
  const fileEnd = up(base + s.vaddr + s.filesz);
  const end = up(base + s.vaddr + s.memsz);
  const isZeroed = s.memsz > s.filesz;
  if (s.filesz > 0) {
    const from = down(s.offset);
    const to = isZeroed ? s.offset + s.filesz : Math.min(file.bytes.length, from + (fileEnd - start));
    space.map({ start, end: fileEnd, prot, shared: false, name: path, offset: from }, file.bytes.subarray(from, to));
  }
  const zero = s.filesz > 0 ? fileEnd : start;
  if (end > zero) space.map({ start: zero, end, prot, shared: false, name: '', offset: 0 });
}

/** argc, argv, envp, auxv and what they point to; where rsp begins. */
function writeStack(
  space: AddressSpace,
  { path, argv, envp, random }: ImageRequest,
  auxv: readonly (readonly [type: number, value: number])[],
): Addr {
  const bytes = new Uint8Array(STACK_BYTES);
  const bottom = STACK_TOP - STACK_BYTES;
  const view = new DataView(bytes.buffer);
  let at = STACK_TOP - 8;
  const push = (data: Uint8Array, terminated: boolean): Addr => {
    at -= data.length + (terminated ? 1 : 0);
    if (at < bottom + STACK_BYTES / 2) throw new KernelError('E2BIG', 'arguments and environment are too long');
    bytes.set(data, at - bottom);
    return at;
  };
  const execfn = push(encodeUtf8(path), true);
  const env = envp
    .toReversed()
    .map((text) => push(text, true))
    .reverse();
  const arg = argv
    .toReversed()
    .map((text) => push(text, true))
    .reverse();
  const platform = push(encodeUtf8('x86_64'), true);
  at -= at % 16;
  const seed = push(random, false);
  const words: number[] = [argv.length, ...arg, 0, ...env, 0];
  const vector = [...auxv, [AT.RANDOM, seed], [AT.EXECFN, execfn], [AT.PLATFORM, platform], [AT.NULL, 0]] as const;
  words.push(...vector.flat());
  at -= at % 16;
  at -= 8 * words.length + (words.length % 2 === 0 ? 0 : 8);
  words.forEach((word, n) => {
    view.setBigUint64(at - bottom + 8 * n, BigInt(word), true);
  });
  space.poke(at, bytes.subarray(at - bottom));
  return at;
}
