/** `ebpf-emu dump`: the object file, its types, or a program as the kernel holds it. */
import { BpfError, type Kernel, type Program } from '../../../kernel-sim/index.ts';
import { Btf, dumpC, dumpRaw } from '../../btf/index.ts';
import { heldView } from '../../debug/program/view.ts';
import { type BpfObject, btfFromFile, type LoadedObject, type LoadOptions, ObjectError } from '../../object/index.ts';
import { dumpPrograms, jsonText, typesJson } from '../../show/index.ts';
import { UserError } from '../errors.ts';
import { readInput, readMaybeGzip } from '../files.ts';
import { jitedText } from '../listing/jited.ts';
import { loadOptions } from '../loading.ts';
import { boot, compileInput, openInput } from '../session.ts';
import { print as write } from '../terminal.ts';
import { elfModel, elfText } from './dump-elf.ts';
import type { DumpOptions } from './dump-options.ts';

export type What = 'xlated' | 'jited' | 'elf' | 'btf' | 'text' | 'trampoline' | 'chain';

/** @param operand an object file; of text and trampoline a function of the kernel */
export async function dump(what: What, operand: string, options: DumpOptions): Promise<void> {
  if (options.annotate || options.html !== undefined) {
    if (what !== 'xlated' && what !== 'jited') throw new UserError('--annotate is for xlated and jited');
    return (await import('./dump-annotated.ts')).dumpAnnotated(operand, options);
  }
  switch (what) {
    case 'elf': {
      const model = elfModel(readInput(operand), operand);
      write(options.json ? json(model) : elfText(model));
      return;
    }
    case 'btf':
      return dumpBtf(operand, options);
    case 'text':
    case 'trampoline':
    case 'chain': {
      const { dumpChain, dumpText } = await import('./dump-text.ts');
      return what === 'chain' ? dumpChain(operand, options) : dumpText(what, operand, options);
    }
    default:
      return dumpCode(what, operand, options);
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** BTF of an object's section, of C, or of a raw file such as /sys/kernel/btf/vmlinux. */
async function readBtf(file: string, options: DumpOptions): Promise<Btf> {
  const bytes = file.endsWith('.c') ? await compileInput(file, await boot(options), options) : readMaybeGzip(file);
  return Btf.parse(btfFromFile(bytes, file));
}

async function dumpBtf(file: string, options: DumpOptions): Promise<void> {
  const btf = await readBtf(file, options);
  if (options.json && options.format === 'c')
    throw new UserError('C has no form as JSON: leave out --json or --format c');
  if (options.json) write(`${jsonText(typesJson(btf), 'plain')}\n`);
  else write(options.format === 'c' ? dumpC(btf) : dumpRaw(btf));
}

/** bpftool's form, but where its text has no place for what is asked. */
async function dumpCode(what: 'xlated' | 'jited', file: string, options: DumpOptions): Promise<void> {
  const kernel = await boot(what === 'jited' ? { ...options, engine: 'jit' } : options);
  const handles = await loadHandles(file, kernel, options);
  const ownForm = what === 'jited' && (options.addresses || options.bpf || options.syntax === 'intel');
  if (ownForm && !options.json) {
    write(handles.map((handle) => jitedText(heldView(kernel, handle), options)).join(''));
    return;
  }
  const { opcodes = false, linum = false, visual = false } = options;
  const ids = handles.map((handle) => handle.id);
  write(dumpPrograms(kernel, ids, { what, opcodes, linum, visual }, options.json ? 'plain' : 'text'));
}

async function loadHandles(file: string, kernel: Kernel, options: DumpOptions): Promise<Program[]> {
  const bytes = file.endsWith('.c') ? undefined : readInput(file);
  const filters = bytes && (await classicText(bytes));
  if (filters) return [kernel.bpf.progLoad({ type: 'socket_filter', classic: true, insns: filters, license: 'GPL' })];
  const object = await openInput(file, kernel, options, bytes);
  for (const name of options.program ?? []) object.program(name);
  const { programs, ...rest } = loadOptions(object, options);
  const loaded = loadForDump(object, kernel, programs, rest);
  return Object.values(loaded.programs)
    .filter((p) => options.program?.includes(p.name) ?? true)
    .map((p) => p.handle);
}

/** All of the object where that goes, since programs in a program array change each other's images; else the chosen ones. */
function loadForDump(
  object: BpfObject,
  kernel: Kernel,
  programs: readonly string[] | undefined,
  rest: LoadOptions,
): LoadedObject<Kernel> {
  if (!programs) return object.load(kernel, rest);
  try {
    return object.load(kernel, rest);
  } catch (error) {
    if (error instanceof BpfError || error instanceof ObjectError) return object.load(kernel, { ...rest, programs });
    throw error;
  }
}

/** `tcpdump -ddd` writes a count, then a line of four numbers for each instruction. */
async function classicText(bytes: Buffer): Promise<Uint8Array | undefined> {
  const text = bytes.toString('latin1');
  if (!/^\s*\d+\s*[\n,]\s*\d+ \d+ \d+ \d+/.test(text)) return undefined;
  const { parseTcpdump } = await import('../../../kernel-sim/bpf/classic/index.ts');
  return parseTcpdump(text);
}
