/**
 * The debugging sections of a relocatable BPF object with their relocations done. Sections of code all begin at 0 in
 * such a file, so an address is a section and an offset: which, its relocation says.
 */
import type { ElfFile, ElfRelocation } from '../elf/index.ts';

/** A place in a section of code or data; section 0: the file says no section. */
export interface Place {
  readonly section: number;
  readonly offset: number;
}

/** Bytes that are an expression, and where they lie: what relocates them says which section an address in them is of. */
export interface Expression {
  readonly bytes: Uint8Array;
  readonly section: string;
  readonly at: number;
}

interface Section {
  readonly bytes: Uint8Array;
  /** by offset in the section */
  readonly relocations: ReadonlyMap<number, ElfRelocation>;
}

/** `R_BPF_64_ABS64`: eight bytes; the others of debugging sections: four */
const ABS64 = 2;
const NONE: Section = { bytes: new Uint8Array(0), relocations: new Map() };

export class DebugSections {
  readonly #elf: ElfFile;
  readonly #known = new Map<string, Section>();

  constructor(elf: ElfFile) {
    this.#elf = elf;
  }

  /** Empty where the object has none of that name. */
  bytes(name: string): Uint8Array {
    return this.#section(name).bytes;
  }
  /** The address of eight bytes that stands at an offset of a section. */
  place(name: string, at: number): Place {
    const { bytes, relocations } = this.#section(name);
    const offset =
      at + 8 <= bytes.length ? Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(at, true)) : 0;
    return { section: relocations.get(at)?.symbol.section ?? 0, offset };
  }

  #section(name: string): Section {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const section = this.#elf.section(name);
    if (section === undefined) return NONE;
    const bytes = section.data.slice();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const relocations = new Map<number, ElfRelocation>();
    for (const r of this.#elf.relocationSections(section).flatMap((of) => this.#elf.relocations(of))) {
      relocations.set(r.offset, r);
      const size = r.type === ABS64 ? 8 : 4;
      if (r.offset + size > bytes.length) continue;
      if (size === 8) {
        const inPlace = view.getBigUint64(r.offset, true);
        view.setBigUint64(
          r.offset,
          BigInt.asUintN(64, BigInt(r.symbol.value) + BigInt(r.addend ?? 0) + (r.addend === undefined ? inPlace : 0n)),
          true,
        );
      } else view.setUint32(r.offset, r.symbol.value + (r.addend ?? view.getUint32(r.offset, true)), true);
    }
    const made = { bytes, relocations };
    this.#known.set(name, made);
    return made;
  }
}
