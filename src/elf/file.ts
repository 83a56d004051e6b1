/** A relocatable object: sections, symbols and relocations (System V gABI chapter 4), every offset checked. */
import {
  REL_SIZE,
  RELA_SIZE,
  SHN_LORESERVE,
  SHT_REL,
  SHT_RELA,
  SHT_STRTAB,
  SHT_SYMTAB,
  SYMBOL_BINDINGS,
  SYMBOL_SIZE,
  SYMBOL_TYPES,
  SYMBOL_VISIBILITIES,
} from './constants.ts';
import { ElfError } from './error.ts';
import { type ElfSection, readSections } from './header.ts';
import { StringTable } from './strings.ts';

export interface ElfSymbol {
  readonly index: number;
  /** '' for sections: see {@link ElfFile.symbolName} */
  readonly name: string;
  readonly binding: (typeof SYMBOL_BINDINGS)[number] | 'other';
  readonly type: (typeof SYMBOL_TYPES)[number] | 'other';
  readonly visibility: (typeof SYMBOL_VISIBILITIES)[number];
  /** section it is defined in: 0 = undefined, from 0xff00 the reserved ones */
  readonly section: number;
  /** offset in its section */
  readonly value: number;
  readonly size: number;
}

export interface ElfRelocation {
  /** offset in the section that is relocated */
  readonly offset: number;
  /** `R_BPF_*` */
  readonly type: number;
  readonly symbol: ElfSymbol;
  /** of `SHT_RELA`; else undefined, and the addend is in the place */
  readonly addend: number | undefined;
}

function grouped<T>(items: readonly T[], key: (item: T) => number): Map<number, T[]> {
  const out = new Map<number, T[]>();
  for (const item of items) {
    const known = out.get(key(item));
    if (known) known.push(item);
    else out.set(key(item), [item]);
  }
  return out;
}

export class ElfFile {
  /** name for messages */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly sections: readonly ElfSection[];
  #symbols: readonly ElfSymbol[] | undefined;
  #byName: ReadonlyMap<string, ElfSection> | undefined;
  #relocating: ReadonlyMap<number, ElfSection[]> | undefined;
  #bySection: ReadonlyMap<number, ElfSymbol[]> | undefined;

  /**
   * @param name the file's name, for messages
   * @throws ElfError
   */
  static parse(bytes: Uint8Array, name = 'object'): ElfFile {
    return new ElfFile(bytes, name);
  }

  private constructor(bytes: Uint8Array, name: string) {
    this.name = name;
    // A Buffer's slice() is a view where a Uint8Array's is a copy: only the latter from here on.
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    this.sections = readSections(name, this.bytes);
  }

  /** The first section of that name. */
  section(name: string): ElfSection | undefined {
    this.#byName ??= new Map([...this.sections].reverse().map((section) => [section.name, section]));
    return this.#byName.get(name);
  }

  /** A symbol's name; a section's for the symbol of a section. */
  symbolName(symbol: ElfSymbol): string {
    return symbol.type === 'section' && symbol.name === '' ? (this.sections[symbol.section]?.name ?? '') : symbol.name;
  }

  /** All symbols, the null one included, so that relocations' indices work. Empty without a symbol table. @throws ElfError */
  get symbols(): readonly ElfSymbol[] {
    this.#symbols ??= this.#readSymbols();
    return this.#symbols;
  }

  #readSymbols(): ElfSymbol[] {
    const tables = this.sections.filter((section) => section.type === SHT_SYMTAB);
    const table = tables[0];
    if (!table) return [];
    if (tables[1]) throw this.error('a second symbol table', tables[1]);
    if (table.entsize !== SYMBOL_SIZE) throw this.error(`symbols of ${table.entsize} bytes are not ELF64's`, table);
    if (table.size % SYMBOL_SIZE !== 0)
      throw this.error(`${table.size} bytes are not a whole number of symbols`, table);
    const strings = this.sections[table.link];
    if (strings?.type !== SHT_STRTAB) throw this.error(`its string table, section ${table.link}, is none`, table);
    const view = new DataView(table.data.buffer, table.data.byteOffset, table.data.length);
    const symbols: ElfSymbol[] = [];
    const names = new StringTable(strings.data);
    for (let at = 0; at < table.size; at += SYMBOL_SIZE) {
      const index = at / SYMBOL_SIZE;
      const name = names.at(view.getUint32(at, true));
      if (name === undefined) throw this.error(`the name of symbol ${index} lies beyond the string table`, table, at);
      const info = view.getUint8(at + 4);
      const section = view.getUint16(at + 6, true);
      if (section < SHN_LORESERVE && section >= this.sections.length)
        throw this.error(`symbol ${index} '${name}' is in section ${section}, which does not exist`, table, at);
      symbols.push({
        index,
        name,
        binding: SYMBOL_BINDINGS[info >> 4] ?? 'other',
        type: SYMBOL_TYPES[info & 15] ?? 'other',
        visibility: SYMBOL_VISIBILITIES[view.getUint8(at + 5) & 3] ?? 'default',
        section,
        value: Number(view.getBigUint64(at + 8, true)),
        size: Number(view.getBigUint64(at + 16, true)),
      });
    }
    return symbols;
  }

  /** Symbols that are defined in a section. @throws ElfError */
  symbolsOf(section: ElfSection): readonly ElfSymbol[] {
    this.#bySection ??= grouped(this.symbols, (symbol) => symbol.section);
    return this.#bySection.get(section.index) ?? [];
  }

  /** Sections that relocate `target`. */
  relocationSections(target: ElfSection): ElfSection[] {
    this.#relocating ??= grouped(
      this.sections.filter((section) => section.type === SHT_REL || section.type === SHT_RELA),
      (section) => section.info,
    );
    return this.#relocating.get(target.index) ?? [];
  }

  /** Relocations that one section of them holds, in its order. @throws ElfError */
  relocations(section: ElfSection): ElfRelocation[] {
    const rela = section.type === SHT_RELA;
    const size = rela ? RELA_SIZE : REL_SIZE;
    if (section.entsize !== size) throw this.error(`relocations of ${section.entsize} bytes are not ELF64's`, section);
    if (section.size % size !== 0)
      throw this.error(`${section.size} bytes are not a whole number of relocations`, section);
    if (this.sections[section.link]?.type !== SHT_SYMTAB)
      throw this.error(`its symbol table, section ${section.link}, is none`, section);
    const symbols = this.symbols;
    const view = new DataView(section.data.buffer, section.data.byteOffset, section.data.length);
    const out: ElfRelocation[] = [];
    for (let at = 0; at < section.size; at += size) {
      const number = view.getUint32(at + 12, true);
      const symbol = symbols[number];
      if (!symbol)
        throw this.error(`relocation ${at / size} names symbol ${number}, which does not exist`, section, at);
      out.push({
        offset: Number(view.getBigUint64(at, true)),
        type: view.getUint32(at + 8, true),
        symbol,
        addend: rela ? Number(view.getBigInt64(at + 16, true)) : undefined,
      });
    }
    return out;
  }

  /** An error about this file, at byte `at` of `section`. */
  error(message: string, section?: ElfSection, at?: number): ElfError {
    return new ElfError(this.name, message, {
      section: section?.name,
      offset: section === undefined ? at : section.offset + (at ?? 0),
    });
  }
}
