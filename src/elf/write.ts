/**
 * Writes a relocatable BPF object of a few sections and no relocations (System V gABI chapter 4),
 * as `ebpf-emu asm --section` needs it: what {@link ElfFile.parse} reads back.
 */
import {
  EM_BPF,
  ET_REL,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NULL,
  SHT_PROGBITS,
  SHT_STRTAB,
  SHT_SYMTAB,
  SYMBOL_SIZE,
} from './constants.ts';
import { layOut, type OutputSection, Strings } from './output.ts';

/** A section of the object to write. */
export interface SectionInput {
  readonly name: string;
  readonly data: Uint8Array;
  /** instructions: executable, and aligned to 8 */
  readonly exec: boolean;
  /** global symbols that it defines: a function where `exec`, else data */
  readonly symbols: readonly { readonly name: string; readonly value: number; readonly size: number }[];
}

const STB_GLOBAL = 1;
const STT_OBJECT = 1;
const STT_FUNC = 2;

/** The object file's bytes. */
export function writeObject(inputs: readonly SectionInput[]): Uint8Array {
  const strings = new Strings();
  const plain = { link: 0, info: 0, entsize: 0 };
  const sections: OutputSection[] = [
    { ...plain, name: '', type: SHT_NULL, flags: 0, data: new Uint8Array(0), align: 0 },
    ...inputs.map((s) => ({
      ...plain,
      name: s.name,
      type: SHT_PROGBITS,
      flags: SHF_ALLOC | (s.exec ? SHF_EXECINSTR : SHF_WRITE),
      data: s.data,
      align: s.exec ? 8 : 1,
    })),
  ];
  const symbols = symbolTable(inputs, strings);
  const table = { name: '.symtab', type: SHT_SYMTAB, flags: 0, link: sections.length + 1, info: 1, align: 8 };
  sections.push({ ...table, data: symbols, entsize: SYMBOL_SIZE });
  sections.push({ ...plain, name: '.strtab', type: SHT_STRTAB, flags: 0, data: new Uint8Array(0), align: 1 });
  return layOut(sections, strings, { type: ET_REL, machine: EM_BPF });
}

function symbolTable(inputs: readonly SectionInput[], strings: Strings): Uint8Array {
  const rows = inputs.flatMap((s, n) => s.symbols.map((symbol) => ({ ...symbol, section: n + 1, exec: s.exec })));
  const bytes = new Uint8Array((rows.length + 1) * SYMBOL_SIZE);
  const view = new DataView(bytes.buffer);
  rows.forEach((row, n) => {
    const at = (n + 1) * SYMBOL_SIZE;
    view.setUint32(at, strings.add(row.name), true);
    view.setUint8(at + 4, (STB_GLOBAL << 4) | (row.exec ? STT_FUNC : STT_OBJECT));
    view.setUint16(at + 6, row.section, true);
    view.setBigUint64(at + 8, BigInt(row.value), true);
    view.setBigUint64(at + 16, BigInt(row.size), true);
  });
  return bytes;
}
