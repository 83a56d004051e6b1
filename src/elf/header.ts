/**
 * The ELF header and the section table (System V gABI chapter 4, "ELF Header", "Sections").
 *
 * elfy reads both, but it checks no bounds, reads `sh_addralign` and `sh_entsize` of ELF64 at
 * wrong offsets, and copies names without a limit. So the header is checked before elfy sees
 * the file, every number it gives back is checked after, and those two fields are read here.
 */
import elfy from 'elfy';
import { decodeLatin1 } from '../platform/index.ts';
import {
  ELF_HEADER_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  ELFDATA2MSB,
  EM_BPF,
  ET_REL,
  SECTION_HEADER_SIZE,
  SHN_LORESERVE,
  SHT_NOBITS,
  SHT_NULL,
  SHT_STRTAB,
} from './constants.ts';
import { ElfError } from './error.ts';
import { StringTable } from './strings.ts';

/** One section: what its header says, and its bytes. */
export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** `SHT_*` */
  readonly type: number;
  /** `SHF_*`, low 32 bits */
  readonly flags: number;
  readonly addr: number;
  /** of its bytes in the file */
  readonly offset: number;
  /** bytes, also of a `SHT_NOBITS` section, which has none in the file */
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly addralign: number;
  readonly entsize: number;
  /** a view of the file's bytes; empty for `SHT_NOBITS` */
  readonly data: Uint8Array;
}

/** The part of elfy's answer that is used. */
interface ElfyFile {
  class: unknown;
  endian: unknown;
  shoff: unknown;
  shnum: unknown;
  body: { sections: { name: unknown; off: unknown; size: unknown; link: unknown; info: unknown; addr: unknown }[] };
}

/** Bytes as elfy wants to read them: those methods of Node's Buffer that it calls. */
class ElfyBytes extends Uint8Array {
  static over(bytes: Uint8Array): ElfyBytes {
    return new ElfyBytes(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length);
  }
  get #view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.length);
  }
  readUInt16LE(offset: number): number {
    return this.#view.getUint16(offset, true);
  }
  readUInt32LE(offset: number): number {
    return this.#view.getUint32(offset, true);
  }
  /** a view, as Buffer's is */
  override slice(start?: number, end?: number): ElfyBytes {
    return ElfyBytes.over(this.subarray(start, end));
  }
  override toString(): string {
    return decodeLatin1(this);
  }
}

/** A number from elfy that must be a count or an offset. */
const whole = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

interface Header {
  shoff: number;
  shnum: number;
  shstrndx: number;
}

/** Checks what elfy would trust. @throws ElfError */
function checkHeader(file: string, bytes: Uint8Array, view: DataView): Header {
  if (bytes.length === 0) throw new ElfError(file, 'the file is empty');
  if (bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) {
    throw new ElfError(
      file,
      'not an ELF file (it does not begin with 7f 45 4c 46); give an object that clang -target bpf -c wrote',
    );
  }
  if (bytes.length < ELF_HEADER_SIZE)
    throw new ElfError(file, `cut off: ${bytes.length} bytes are less than an ELF header`);
  if (bytes[4] !== ELFCLASS64) throw new ElfError(file, 'not a 64-bit ELF file; BPF objects are', { offset: 4 });
  if (bytes[5] === ELFDATA2MSB)
    throw new ElfError(file, 'a big-endian object: this kernel is little-endian, compile with -target bpfel', {
      offset: 5,
    });
  if (bytes[5] !== ELFDATA2LSB) throw new ElfError(file, `unknown byte order ${bytes[5]}`, { offset: 5 });
  const type = view.getUint16(16, true);
  if (type !== ET_REL)
    throw new ElfError(file, `ELF type ${type} is not a relocatable object; give what clang -c wrote`, { offset: 16 });
  const machine = view.getUint16(18, true);
  // Old LLVM wrote EM_NONE, and libbpf takes it.
  if (machine !== EM_BPF && machine !== 0)
    throw new ElfError(file, `machine ${machine} is not BPF (247); compile with -target bpf`, { offset: 18 });
  const shoff = Number(view.getBigUint64(40, true));
  const shentsize = view.getUint16(58, true);
  const shnum = view.getUint16(60, true);
  const shstrndx = view.getUint16(62, true);
  if (shnum === 0 || shoff === 0) throw new ElfError(file, 'there is no section table', { offset: 60 });
  if (shentsize !== SECTION_HEADER_SIZE)
    throw new ElfError(file, `section headers of ${shentsize} bytes are not ELF64's`, { offset: 58 });
  if (shnum >= SHN_LORESERVE) throw new ElfError(file, `${shnum} sections are too many`, { offset: 60 });
  if (shoff + shnum * SECTION_HEADER_SIZE > bytes.length) {
    throw new ElfError(
      file,
      `cut off: the section table (${shnum} headers at 0x${shoff.toString(16)}) lies beyond the end (${bytes.length} bytes)`,
      { offset: 40 },
    );
  }
  if (shstrndx === 0 || shstrndx >= shnum)
    throw new ElfError(file, `section ${shstrndx} for section names does not exist`, { offset: 62 });
  return { shoff, shnum, shstrndx };
}

/** Reads the section table. @throws ElfError */
export function readSections(file: string, bytes: Uint8Array): ElfSection[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const { shoff, shnum, shstrndx } = checkHeader(file, bytes, view);
  const headerAt = (index: number): number => shoff + index * SECTION_HEADER_SIZE;

  const strtabAt = headerAt(shstrndx);
  const strtabOff = Number(view.getBigUint64(strtabAt + 24, true));
  const strtabSize = Number(view.getBigUint64(strtabAt + 32, true));
  if (view.getUint32(strtabAt + 4, true) !== SHT_STRTAB || strtabOff + strtabSize > bytes.length) {
    throw new ElfError(file, 'the section of section names is not a string table inside the file', {
      section: `[${shstrndx}]`,
      offset: strtabAt,
    });
  }
  const strtab = bytes.subarray(strtabOff, strtabOff + strtabSize);
  const table = new StringTable(strtab);
  const names: string[] = [];
  for (let index = 0; index < shnum; index++) {
    const name = table.at(view.getUint32(headerAt(index), true));
    if (name === undefined)
      throw new ElfError(file, 'its name lies beyond the table of names', {
        section: `[${index}]`,
        offset: headerAt(index),
      });
    names.push(name);
  }

  let parsed: ElfyFile;
  try {
    parsed = elfy.parse(ElfyBytes.over(bytes)) as ElfyFile;
  } catch (error) {
    throw new ElfError(
      file,
      `unreadable ELF: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`,
    );
  }
  if (parsed.body.sections.length !== shnum)
    throw new ElfError(file, 'the section table is not what the header says', { offset: shoff });

  // Sections of an object do not share bytes: whoever copies each of them copies no more than the file.
  let claimed = 0;
  return parsed.body.sections.map((raw, index) => {
    const at = headerAt(index);
    const name = names[index] as string;
    const where = { section: name === '' ? `[${index}]` : name, offset: at };
    const offset = whole(raw.off);
    const size = whole(raw.size);
    const link = whole(raw.link);
    const info = whole(raw.info);
    if (offset === undefined || size === undefined || link === undefined || info === undefined)
      throw new ElfError(file, 'its header holds an impossible number', where);
    const type = view.getUint32(at + 4, true);
    const empty = type === SHT_NOBITS || type === SHT_NULL;
    if (!empty && offset + size > bytes.length) {
      throw new ElfError(
        file,
        `cut off: ${size} bytes at 0x${offset.toString(16)} lie beyond the end (${bytes.length} bytes)`,
        where,
      );
    }
    claimed += empty ? 0 : size;
    if (claimed > bytes.length) throw new ElfError(file, 'its bytes are those of other sections too', where);
    return {
      index,
      name,
      type,
      flags: view.getUint32(at + 8, true),
      addr: whole(raw.addr) ?? 0,
      offset,
      size,
      link,
      info,
      addralign: Number(view.getBigUint64(at + 48, true)),
      entsize: Number(view.getBigUint64(at + 56, true)),
      data: empty ? new Uint8Array(0) : bytes.subarray(offset, offset + size),
    };
  });
}
