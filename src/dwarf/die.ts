/** Debugging information entries (DWARF 5, 7.5): the tree of a unit, its attributes by their classes. */
import { AT, FORM } from './constants.ts';
import { Cursor } from './cursor.ts';
import { DwarfError } from './error.ts';
import type { DebugSections, Expression, Place } from './sections.ts';

/** What an attribute is, whichever form it has. */
export type Attribute =
  | { readonly kind: 'constant'; readonly value: bigint }
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'address'; readonly place: Place }
  | { readonly kind: 'expression'; readonly expression: Expression }
  /** to another entry, by its offset in .debug_info */
  | { readonly kind: 'reference'; readonly to: number }
  /** to a list in another section: its offset there, or its index */
  | { readonly kind: 'list'; readonly offset: number }
  | { readonly kind: 'listIndex'; readonly index: number };

export interface Die {
  /** in .debug_info */
  readonly offset: number;
  readonly tag: number;
  readonly attributes: ReadonlyMap<number, Attribute>;
  readonly children: readonly Die[];
}

interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly { readonly at: number; readonly form: number; readonly constant: bigint }[];
}

const DW_UT_COMPILE = 1;
/** entries that nest deeper than this are damage */
const MAX_DEPTH = 256;

/** A compilation unit. */
export class Unit {
  readonly sections: DebugSections;
  readonly version: number;
  readonly root: Die;
  /** of the unit in .debug_info */
  readonly #start: number;
  readonly #end: number;
  readonly #abbreviations: ReadonlyMap<number, Abbreviation>;
  readonly #cursor: Cursor;
  /** what .debug_str_offsets and .debug_addr are counted from, from DWARF 5 on */
  #stringsBase = 8;
  #addressBase = 8;

  /** Reads the unit at an offset; `end` is where the next one begins. @throws DwarfError */
  constructor(sections: DebugSections, start: number) {
    this.sections = sections;
    this.#start = start;
    const cursor = new Cursor(sections.bytes('.debug_info'), start);
    this.#cursor = cursor;
    const length = cursor.u32();
    if (length >= 0xfffffff0) throw new DwarfError('units of 64-bit DWARF are not known here');
    this.#end = cursor.at + length;
    this.version = cursor.u16();
    if (this.version < 4 || this.version > 5) throw new DwarfError(`version ${this.version}: 4 and 5 are known here`);
    let abbreviations: number;
    if (this.version === 5) {
      const type = cursor.u8();
      if (type !== DW_UT_COMPILE) throw new DwarfError(`units of type ${type} are not known here`);
      if (cursor.u8() !== 8) throw new DwarfError('addresses have 8 bytes');
      abbreviations = cursor.u32();
    } else {
      abbreviations = cursor.u32();
      if (cursor.u8() !== 8) throw new DwarfError('addresses have 8 bytes');
    }
    this.#abbreviations = readAbbreviations(sections.bytes('.debug_abbrev'), abbreviations);
    const first = cursor.at;
    // its bases are among its own attributes, and some of those count from them
    this.#bases(this.#entry(0, true));
    cursor.at = first;
    const root = this.#entry(0, false);
    if (root === undefined) throw new DwarfError('a unit without entries');
    this.root = root;
  }
  get end(): number {
    return this.#end;
  }

  /** An address of .debug_addr. */
  address(index: number): Place {
    return this.sections.place('.debug_addr', this.#addressBase + 8 * index);
  }
  /** Where the unit's code begins, which its lists count from. */
  get base(): Place {
    const low = this.root.attributes.get(AT.low_pc);
    return low?.kind === 'address' ? low.place : { section: 0, offset: 0 };
  }
  listBase(at: number): number {
    const base = this.root.attributes.get(at);
    return base?.kind === 'list' ? base.offset : 12;
  }

  #bases(root: Die | undefined): void {
    const strings = root?.attributes.get(AT.str_offsets_base);
    if (strings?.kind === 'list') this.#stringsBase = strings.offset;
    const addresses = root?.attributes.get(AT.addr_base);
    if (addresses?.kind === 'list') this.#addressBase = addresses.offset;
  }

  /** undefined: the end of a list of siblings */
  #entry(depth: number, alone: boolean): Die | undefined {
    const cursor = this.#cursor;
    if (depth > MAX_DEPTH) throw new DwarfError('entries nest too deeply');
    if (cursor.at >= this.#end) return undefined;
    const offset = cursor.at;
    const code = cursor.number();
    if (code === 0) return undefined;
    const abbreviation = this.#abbreviations.get(code);
    if (abbreviation === undefined) throw new DwarfError(`an entry at ${offset} of an unknown kind, ${code}`);
    const attributes = new Map<number, Attribute>();
    for (const { at, form, constant } of abbreviation.attributes) {
      const value = this.#attribute(form, constant);
      if (value !== undefined) attributes.set(at, value);
    }
    const children: Die[] = [];
    if (abbreviation.hasChildren && !alone) {
      for (let child = this.#entry(depth + 1, false); child !== undefined; child = this.#entry(depth + 1, false))
        children.push(child);
    }
    return { offset, tag: abbreviation.tag, attributes, children };
  }

  #attribute(form: number, constant: bigint): Attribute | undefined {
    const c = this.#cursor;
    const value = (bits: bigint): Attribute => ({ kind: 'constant', value: bits });
    const refer = (to: number): Attribute => ({ kind: 'reference', to: this.#start + to });
    const bytes = (count: number): Attribute => {
      const { at } = c;
      return { kind: 'expression', expression: { bytes: c.slice(count), section: '.debug_info', at } };
    };
    const string = (index: number): Attribute => ({ kind: 'string', text: this.#string(index) });
    const address = (index: number): Attribute => ({ kind: 'address', place: this.address(index) });
    switch (form) {
      case FORM.addr: {
        const place = this.sections.place('.debug_info', c.at);
        c.slice(8);
        return { kind: 'address', place };
      }
      case FORM.addrx:
        return address(c.number());
      case FORM.addrx1:
        return address(c.u8());
      case FORM.addrx2:
        return address(c.u16());
      case FORM.addrx3:
        return address(c.u24());
      case FORM.addrx4:
        return address(c.u32());
      case FORM.block1:
        return bytes(c.u8());
      case FORM.block2:
        return bytes(c.u16());
      case FORM.block4:
        return bytes(c.u32());
      case FORM.block:
      case FORM.exprloc:
        return bytes(c.number());
      case FORM.data1:
      case FORM.flag:
        return value(c.fixed(1));
      case FORM.data2:
        return value(c.fixed(2));
      case FORM.data4:
        return value(c.fixed(4));
      case FORM.data8:
        return value(c.u64());
      case FORM.data16:
        return bytes(16);
      case FORM.sdata:
        return value(c.sleb());
      case FORM.udata:
        return value(c.uleb());
      case FORM.implicit_const:
        return value(constant);
      case FORM.flag_present:
        return value(1n);
      case FORM.string:
        return { kind: 'string', text: c.string() };
      case FORM.strp:
        return { kind: 'string', text: new Cursor(this.sections.bytes('.debug_str'), c.u32()).string() };
      case FORM.line_strp:
        return { kind: 'string', text: new Cursor(this.sections.bytes('.debug_line_str'), c.u32()).string() };
      case FORM.strx:
        return string(c.number());
      case FORM.strx1:
        return string(c.u8());
      case FORM.strx2:
        return string(c.u16());
      case FORM.strx3:
        return string(c.u24());
      case FORM.strx4:
        return string(c.u32());
      case FORM.ref1:
        return refer(c.u8());
      case FORM.ref2:
        return refer(c.u16());
      case FORM.ref4:
        return refer(c.u32());
      case FORM.ref8:
        return refer(Number(c.u64()));
      case FORM.ref_udata:
        return refer(c.number());
      case FORM.ref_addr:
        return { kind: 'reference', to: c.u32() };
      case FORM.ref_sig8:
        c.u64();
        return undefined;
      case FORM.sec_offset:
        return { kind: 'list', offset: c.u32() };
      case FORM.loclistx:
      case FORM.rnglistx:
        return { kind: 'listIndex', index: c.number() };
      default:
        throw new DwarfError(`an attribute of form 0x${form.toString(16)}, which is not known here`);
    }
  }
  #string(index: number): string {
    const offsets = new Cursor(this.sections.bytes('.debug_str_offsets'), this.#stringsBase + 4 * index);
    return new Cursor(this.sections.bytes('.debug_str'), offsets.u32()).string();
  }
}

function readAbbreviations(bytes: Uint8Array, at: number): ReadonlyMap<number, Abbreviation> {
  const cursor = new Cursor(bytes, at);
  const out = new Map<number, Abbreviation>();
  while (!cursor.ended) {
    const code = cursor.number();
    if (code === 0) break;
    const tag = cursor.number();
    const hasChildren = cursor.u8() !== 0;
    const attributes: Abbreviation['attributes'][number][] = [];
    for (;;) {
      const attribute = cursor.number();
      const form = cursor.number();
      const constant = form === FORM.implicit_const ? cursor.sleb() : 0n;
      if (attribute === 0 && form === 0) break;
      attributes.push({ at: attribute, form, constant });
    }
    out.set(code, { tag, hasChildren, attributes });
  }
  return out;
}

/** The units of an object; none where it has no .debug_info. @throws DwarfError */
export function readUnits(sections: DebugSections): Unit[] {
  const units: Unit[] = [];
  const { length } = sections.bytes('.debug_info');
  for (let at = 0; at < length; ) {
    const unit = new Unit(sections, at);
    units.push(unit);
    at = unit.end;
  }
  return units;
}
