/**
 * Writes a relocatable BPF object of a few sections and no relocations (System V gABI chapter 4),
 * as `ebpf-emu asm --section` needs it: what {@link ElfFile.parse} reads back.
 */
import { concatBytes, encodeUtf8 } from '../platform/index.ts';
import {
  ELF_HEADER_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  EM_BPF,
  ET_REL,
  SECTION_HEADER_SIZE,
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHF_WRITE,
  SHT_NULL,
  SHT_PROGBITS,
  SHT_STRTAB,
  SHT_SYMTAB,
  SYMBOL_SIZE,
} from './constants.ts';

/** A section of the object to write. */
export interface SectionInput {
  readonly name: string;
  readonly data: Uint8Array;
  /** instructions: executable, and aligned to 8 */
  readonly exec: boolean;
  /** global symbols that it defines: a function where `exec`, else data */
  readonly symbols: readonly { readonly name: string; readonly value: number; readonly size: number }[];
}

interface Section {
  name: string;
  type: number;
  flags: number;
  data: Uint8Array;
  link: number;
  info: number;
  align: number;
  entsize: number;
}

/** A string table: the empty string first, then each name once. */
class Strings {
  readonly #parts: Uint8Array[] = [Uint8Array.of(0)];
  #length = 1;
  add(name: string): number {
    const at = this.#length;
    const bytes = encodeUtf8(`${name}\0`);
    this.#parts.push(bytes);
    this.#length += bytes.length;
    return at;
  }
  bytes(): Uint8Array {
    return concatBytes(this.#parts);
  }
}

const STB_GLOBAL = 1;
const STT_OBJECT = 1;
const STT_FUNC = 2;

/** The object file's bytes. */
export function writeObject(inputs: readonly SectionInput[]): Uint8Array {
  const strings = new Strings();
  const plain = { link: 0, info: 0, entsize: 0 };
  const sections: Section[] = [
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
  const strtab: Section = { ...plain, name: '.strtab', type: SHT_STRTAB, flags: 0, data: new Uint8Array(0), align: 1 };
  sections.push(strtab);
  const names = sections.map((s) => (s.name === '' ? 0 : strings.add(s.name)));
  strtab.data = strings.bytes();
  return layOut(sections, names);
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

function layOut(sections: readonly Section[], names: readonly number[]): Uint8Array {
  let end = ELF_HEADER_SIZE;
  const offsets = sections.map((s) => {
    const at = Math.ceil(end / 8) * 8;
    end = at + s.data.length;
    return at;
  });
  const headers = Math.ceil(end / 8) * 8;
  const bytes = new Uint8Array(headers + sections.length * SECTION_HEADER_SIZE);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, ELFCLASS64, ELFDATA2LSB, 1]);
  view.setUint16(16, ET_REL, true);
  view.setUint16(18, EM_BPF, true);
  view.setUint32(20, 1, true);
  view.setBigUint64(40, BigInt(headers), true);
  view.setUint16(52, ELF_HEADER_SIZE, true);
  view.setUint16(58, SECTION_HEADER_SIZE, true);
  view.setUint16(60, sections.length, true);
  view.setUint16(62, sections.length - 1, true);
  sections.forEach((s, n) => {
    bytes.set(s.data, offsets[n]);
    const at = headers + n * SECTION_HEADER_SIZE;
    view.setUint32(at, names[n] ?? 0, true);
    view.setUint32(at + 4, s.type, true);
    view.setBigUint64(at + 8, BigInt(s.flags), true);
    view.setBigUint64(at + 24, BigInt(s.type === SHT_NULL ? 0 : (offsets[n] ?? 0)), true);
    view.setBigUint64(at + 32, BigInt(s.data.length), true);
    view.setUint32(at + 40, s.link, true);
    view.setUint32(at + 44, s.info, true);
    view.setBigUint64(at + 48, BigInt(s.align), true);
    view.setBigUint64(at + 56, BigInt(s.entsize), true);
  });
  return bytes;
}
