/** `ebpf-emu dump`: the object file, its types, or a program as the kernel holds it. */
import { BpfError, type Kernel } from '../../../kernel-sim/index.ts';
import { Btf, dumpC, dumpRaw } from '../../btf/index.ts';
import { type LoadedView, plainView, viewOf } from '../../debug/program/view.ts';
import { xlatedLines } from '../../debug/program/xlated-lines.ts';
import { ElfFile } from '../../elf/index.ts';
import { type BpfObject, type LoadedObject, type LoadOptions, ObjectError } from '../../object/index.ts';
import { UserError } from '../errors.ts';
import { readInput, readMaybeGzip } from '../files.ts';
import { type JitedOptions, jitedModel, jitedText } from '../listing/jited.ts';
import { xlatedText } from '../listing/xlated.ts';
import { loadOptions } from '../loading.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { print as write } from '../terminal.ts';
import { elfModel, elfText } from './dump-elf.ts';

export interface DumpOptions extends KernelOptions, JitedOptions {
  readonly format: 'raw' | 'c';
  readonly json?: boolean;
}

export async function dump(
  what: 'xlated' | 'jited' | 'elf' | 'btf',
  file: string,
  options: DumpOptions,
): Promise<void> {
  switch (what) {
    case 'elf': {
      const model = elfModel(readInput(file), file);
      write(options.json ? json(model) : elfText(model));
      return;
    }
    case 'btf':
      return dumpBtf(file, options);
    default:
      return dumpCode(what, file, options);
  }
}

const json = (value: unknown): string =>
  `${JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? Buffer.from(v).toString('hex') : typeof v === 'bigint' ? `${v}` : v), 2)}\n`;

const ELF_MAGIC = 0x7f454c46;

/** BTF of an object's section, or of a raw file such as /sys/kernel/btf/vmlinux. */
function readBtf(file: string): Btf {
  const bytes = readMaybeGzip(file);
  if (bytes.length < 4 || Buffer.from(bytes).readUInt32BE(0) !== ELF_MAGIC) return Btf.parse(bytes);
  const section = ElfFile.parse(bytes, file).section('.BTF');
  if (!section) throw new UserError(`${file}: it has no .BTF section; compile it with -g`);
  return Btf.parse(section.data);
}

function dumpBtf(file: string, options: DumpOptions): void {
  const btf = readBtf(file);
  if (options.json) {
    const types = [...btf.types()];
    write(json({ file, types }));
  } else write(options.format === 'c' ? dumpC(btf) : dumpRaw(btf));
}

async function dumpCode(what: 'xlated' | 'jited', file: string, options: DumpOptions): Promise<void> {
  const kernel = await boot(what === 'jited' ? { ...options, engine: 'jit' } : options);
  const views = await loadViews(file, kernel, options);
  if (options.json) {
    const programs = views.map((v) => ({
      name: v.name,
      ...(what === 'jited' ? { functions: jitedModel(v, options.syntax) } : { insns: xlatedLines(v) }),
    }));
    write(json({ file, programs }));
    return;
  }
  write(
    views
      .map((v) => (what === 'jited' ? jitedText(v, options) : xlatedText(v, options)))
      .join(what === 'jited' ? '' : '\n'),
  );
}

async function loadViews(file: string, kernel: Kernel, options: DumpOptions): Promise<LoadedView[]> {
  const bytes = file.endsWith('.c') ? undefined : readInput(file);
  const filters = bytes && (await classicText(bytes));
  if (filters)
    return [
      plainView(kernel, kernel.bpf.progLoad({ type: 'socket_filter', classic: true, insns: filters, license: 'GPL' })),
    ];
  const object = await openInput(file, kernel, options, bytes);
  for (const name of options.program ?? []) object.program(name);
  const { programs, ...rest } = loadOptions(object, options);
  const loaded = loadForDump(object, kernel, programs, rest);
  return Object.values(loaded.programs)
    .filter((p) => options.program?.includes(p.name) ?? true)
    .map((p) => viewOf(kernel, p, object.model.btf));
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
