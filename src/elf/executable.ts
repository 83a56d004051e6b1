/**
 * An executable or a shared library as the kernel and libbpf look at it: segments, symbols, sections by their bytes
 * (System V gABI chapter 5, "Program Header"; x86-64 psABI). It has no section table where it was stripped of it.
 */
import { ELF_HEADER_SIZE, ELFCLASS64, ELFDATA2LSB, SECTION_HEADER_SIZE, SYMBOL_SIZE } from './constants.ts';
import { ElfError } from './error.ts';
import { sectionBytes } from './find-section.ts';
import { stringAt } from './strings.ts';

const ET_EXEC = 2;
const ET_DYN = 3;
const EM_X86_64 = 62;
const PROGRAM_HEADER_SIZE = 56;
const MOST_HEADERS = 256;

export const PT_LOAD = 1;
export const PT_INTERP = 3;
export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;
const STT_FUNC = 2;
const STT_GNU_IFUNC = 10;
const STB_WEAK = 2;

export interface Segment {
  readonly type: number;
  /** PF_R, PF_W, PF_X */
  readonly flags: number;
  /** of its bytes in the file */
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

/** A function, as `nm` lists it. */
export interface ExecutableSymbol {
  readonly name: string;
  /** virtual address as linked */
  readonly address: number;
  /** bytes, 0 where the symbol does not say */
  readonly size: number;
  readonly weak: boolean;
}

/** The two tables in the order in which libbpf looks at them. */
const TABLES = [
  ['.dynsym', '.dynstr'],
  ['.symtab', '.strtab'],
] as const;

export class Executable {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** linked at fixed addresses, or position independent */
  readonly type: 'exec' | 'dyn';
  readonly entry: number;
  /** where the program headers lie in the file, and how many there are */
  readonly phoff: number;
  readonly segments: readonly Segment[];
  #functions: readonly (readonly ExecutableSymbol[])[] | undefined;
  #sorted: readonly ExecutableSymbol[] | undefined;

  /** @throws ElfError where it is no 64-bit x86-64 executable or library, or its headers lie beyond its end */
  static parse(bytes: Uint8Array, name = 'executable'): Executable {
    return new Executable(bytes, name);
  }

  private constructor(bytes: Uint8Array, name: string) {
    this.name = name;
    this.bytes = bytes;
    const fail = (message: string, offset?: number): never => {
      throw new ElfError(name, message, { offset });
    };
    if (
      bytes.length < ELF_HEADER_SIZE ||
      bytes[0] !== 0x7f ||
      bytes[1] !== 0x45 ||
      bytes[2] !== 0x4c ||
      bytes[3] !== 0x46
    )
      fail('not an ELF executable (it does not begin with 7f 45 4c 46)');
    if (bytes[4] !== ELFCLASS64 || bytes[5] !== ELFDATA2LSB)
      fail('not a 64-bit little-endian executable; compile for x86-64', 4);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const type = view.getUint16(16, true);
    const machine = view.getUint16(18, true);
    if (machine !== EM_X86_64) fail(`machine ${machine} is not x86-64 (62)`, 18);
    if (type !== ET_EXEC && type !== ET_DYN) fail(`ELF type ${type} is no executable or shared library`, 16);
    this.type = type === ET_EXEC ? 'exec' : 'dyn';
    this.entry = this.#word(view, 24);
    this.phoff = this.#word(view, 32);
    const count = view.getUint16(56, true);
    if (count === 0 || count > MOST_HEADERS) fail(`${count} program headers: there must be 1 to ${MOST_HEADERS}`, 56);
    if (view.getUint16(54, true) !== PROGRAM_HEADER_SIZE) fail("program headers that are not ELF64's", 54);
    if (this.phoff + count * PROGRAM_HEADER_SIZE > bytes.length)
      fail('cut off: its program headers lie beyond its end', 32);
    this.segments = Array.from({ length: count }, (_, n) => this.#segment(view, this.phoff + n * PROGRAM_HEADER_SIZE));
  }
  #word(view: DataView, at: number): number {
    const value = Number(view.getBigUint64(at, true));
    if (!Number.isSafeInteger(value))
      throw new ElfError(this.name, 'its headers hold an impossible number', { offset: at });
    return value;
  }
  #segment(view: DataView, at: number): Segment {
    const segment = {
      type: view.getUint32(at, true),
      flags: view.getUint32(at + 4, true),
      offset: this.#word(view, at + 8),
      vaddr: this.#word(view, at + 16),
      filesz: this.#word(view, at + 32),
      memsz: this.#word(view, at + 40),
      align: this.#word(view, at + 48),
    };
    if (segment.type === PT_LOAD) {
      if (segment.offset + segment.filesz > this.bytes.length || segment.filesz > segment.memsz)
        throw new ElfError(this.name, 'cut off: a segment to be loaded lies beyond its end', { offset: at });
      if ((segment.offset - segment.vaddr) % PAGE !== 0)
        throw new ElfError(this.name, 'a segment whose address and offset are not alike within a page', { offset: at });
    }
    return segment;
  }

  get loads(): readonly Segment[] {
    return this.segments.filter(({ type }) => type === PT_LOAD);
  }
  /** The dynamic linker that it names; undefined: static. */
  get interpreter(): string | undefined {
    const segment = this.segments.find(({ type }) => type === PT_INTERP);
    return segment && stringAt(this.bytes.subarray(segment.offset, segment.offset + segment.filesz), 0);
  }
  /** Bytes of the first section of that name; undefined where it has none. */
  section(name: string): Uint8Array | undefined {
    return sectionBytes(this.bytes, name);
  }

  /** Offset in the file of a virtual address as linked; undefined outside of what is loaded from it. */
  fileOffset(address: number): number | undefined {
    const s = this.loads.find(({ vaddr, filesz }) => address >= vaddr && address < vaddr + filesz);
    return s && address - s.vaddr + s.offset;
  }
  /** The other way round. */
  addressOf(offset: number): number | undefined {
    const s = this.loads.find((l) => offset >= l.offset && offset < l.offset + l.filesz);
    return s && offset - s.offset + s.vaddr;
  }

  /** Functions of the dynamic table, then those of the full one, as far as there are such tables. */
  get functionTables(): readonly (readonly ExecutableSymbol[])[] {
    this.#functions ??= TABLES.map(([table, strings]) => this.#readTable(table, strings));
    return this.#functions;
  }
  /** A function by name, as libbpf finds it: the first table that has it, and there a strong symbol before a weak one. */
  function(name: string): ExecutableSymbol | undefined {
    for (const table of this.functionTables) {
      const found = table.filter((symbol) => symbol.name === name);
      const best = found.find(({ weak }) => !weak) ?? found[0];
      if (best !== undefined) return best;
    }
    return undefined;
  }
  /** The function that an address as linked lies in. */
  functionAt(address: number): ExecutableSymbol | undefined {
    this.#sorted ??= this.functionTables.flat().sort((a, b) => a.address - b.address);
    const list = this.#sorted;
    let lo = 0;
    let hi = list.length;
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      if ((list[mid] as ExecutableSymbol).address <= address) lo = mid + 1;
      else hi = mid;
    }
    const before = list[lo - 1];
    return before && address < before.address + Math.max(before.size, 1) ? before : undefined;
  }

  #readTable(name: string, strings: string): ExecutableSymbol[] {
    const table = this.section(name);
    const names = this.section(strings);
    if (table === undefined || names === undefined) return [];
    const view = new DataView(table.buffer, table.byteOffset, table.length);
    const out: ExecutableSymbol[] = [];
    for (let at = 0; at + SYMBOL_SIZE <= table.length; at += SYMBOL_SIZE) {
      const info = view.getUint8(at + 4);
      const type = info & 15;
      // what is only referred to has no section
      if ((type !== STT_FUNC && type !== STT_GNU_IFUNC) || view.getUint16(at + 6, true) === 0) continue;
      const symbol = stringAt(names, view.getUint32(at, true));
      if (!symbol) continue;
      out.push({
        name: symbol,
        address: Number(view.getBigUint64(at + 8, true)),
        size: Number(view.getBigUint64(at + 16, true)),
        weak: info >> 4 === STB_WEAK,
      });
    }
    return out;
  }
  /** Address as linked of the first section of that name; undefined where it has none. */
  sectionAddress(name: string): number | undefined {
    const bytes = this.section(name);
    if (bytes === undefined) return undefined;
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    const table = Number(view.getBigUint64(40, true));
    for (let n = view.getUint16(60, true) - 1; n >= 0; n--) {
      const at = table + n * SECTION_HEADER_SIZE;
      if (Number(view.getBigUint64(at + 24, true)) === bytes.byteOffset - this.bytes.byteOffset)
        return Number(view.getBigUint64(at + 16, true));
    }
    return undefined;
  }
}
const PAGE = 4096;
