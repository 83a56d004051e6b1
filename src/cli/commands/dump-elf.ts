/** `ebpf-emu dump elf`: the object file's sections, symbols and relocations. */
import { ElfFile, type ElfRelocation, type ElfSection, R_BPF_NAMES, SECTION_TYPE_NAMES } from '../../elf/index.ts';
import { table } from '../table.ts';

interface Relocations {
  readonly section: string;
  readonly entries: readonly { offset: number; type: string; symbol: string; addend?: number }[];
}

/** Everything as plain data, for `--json` too. */
export function elfModel(bytes: Uint8Array, name: string) {
  const elf = ElfFile.parse(bytes, name);
  const typeName = (s: ElfSection): string => SECTION_TYPE_NAMES[s.type] ?? `0x${s.type.toString(16)}`;
  const sections = elf.sections.map((s) => ({
    index: s.index,
    name: s.name,
    type: typeName(s),
    flags: flagText(s.flags),
    offset: s.offset,
    size: s.size,
    align: s.addralign,
  }));
  const symbols = elf.symbols.slice(1).map((s) => ({
    name: elf.symbolName(s),
    type: s.type,
    binding: s.binding,
    section: elf.sections[s.section]?.name ?? (s.section === 0 ? 'undefined' : `0x${s.section.toString(16)}`),
    value: s.value,
    size: s.size,
  }));
  const relocations: Relocations[] = elf.sections.flatMap((target) =>
    elf.relocationSections(target).map((section) => ({
      section: target.name,
      entries: elf.relocations(section).map((r) => relocation(elf, r)),
    })),
  );
  return { file: name, bytes: bytes.length, sections, symbols, relocations };
}

const flagText = (flags: number): string =>
  [
    [1, 'W'],
    [2, 'A'],
    [4, 'X'],
    [0x10, 'M'],
    [0x20, 'S'],
  ]
    .filter(([bit]) => (flags & Number(bit)) !== 0)
    .map(([, letter]) => letter)
    .join('');

const relocation = (elf: ElfFile, r: ElfRelocation) => ({
  offset: r.offset,
  type: R_BPF_NAMES[r.type] ?? `${r.type}`,
  symbol: elf.symbolName(r.symbol),
  ...(r.addend === undefined ? {} : { addend: r.addend }),
});

/** The model as tables for people. */
export function elfText(model: ReturnType<typeof elfModel>): string {
  const hex = (n: number): string => n.toString(16).padStart(6, '0');
  const out = [
    `${model.file}: ELF64 relocatable, machine BPF, ${model.bytes} bytes`,
    '',
    'Sections',
    ...table(
      ['index', 'name', 'type', 'flags', 'offset', 'size', 'align'],
      model.sections.map((s) => [`${s.index}`, s.name, s.type, s.flags, hex(s.offset), hex(s.size), `${s.align}`]),
    ),
    '',
    'Symbols',
    ...table(
      ['value', 'size', 'type', 'binding', 'section', 'name'],
      model.symbols.map((s) => [hex(s.value), `${s.size}`, s.type, s.binding, s.section, s.name]),
    ),
  ];
  for (const { section, entries } of model.relocations) {
    out.push('', `Relocations of ${section}`);
    out.push(
      ...table(
        ['offset', 'type', 'symbol'],
        entries.map((r) => [hex(r.offset), r.type, r.addend ? `${r.symbol} + ${r.addend}` : r.symbol]),
      ),
    );
  }
  return `${out.join('\n')}\n`;
}
