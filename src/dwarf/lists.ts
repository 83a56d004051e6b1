/** Location lists and ranges (DWARF 5, 2.6.2, 2.17.3, 7.28, 7.29; DWARF 4's .debug_loc and .debug_ranges). */
import { AT, LLE, RLE } from './constants.ts';
import { Cursor } from './cursor.ts';
import type { Attribute, Die, Unit } from './die.ts';
import type { Expression, Place } from './sections.ts';

/** Code from `start` on, `end` not included. */
export interface Range {
  readonly start: Place;
  readonly end: number;
}
export interface Located extends Range {
  readonly expression: Expression;
}

export const contains = ({ start, end }: Range, at: Place): boolean =>
  at.section === start.section && at.offset >= start.offset && at.offset < end;

/** lists with more entries than this are damage */
const MOST = 1 << 16;

function expressionOf(c: Cursor, section: string, length: number): Expression {
  const { at } = c;
  return { bytes: c.slice(length), section, at };
}

/** Where a variable is and when. An expression without a list holds everywhere: `range` undefined. */
export function locations(
  unit: Unit,
  location: Attribute | undefined,
): readonly (Located | { readonly start?: undefined; readonly expression: Expression })[] {
  if (location?.kind === 'expression') return [{ expression: location.expression }];
  if (location?.kind === 'list' && unit.version < 5) return oldLocations(unit, location.offset);
  const offset = offsetOf(unit, location, '.debug_loclists', AT.loclists_base);
  if (offset === undefined) return [];
  const c = new Cursor(unit.sections.bytes('.debug_loclists'), offset);
  const out: Located[] = [];
  let { base } = unit;
  const push = (start: Place, end: number): void => {
    out.push({ start, end, expression: expressionOf(c, '.debug_loclists', c.number()) });
  };
  for (let n = 0; n < MOST; n++) {
    switch (c.u8()) {
      case LLE.end_of_list:
        return out;
      case LLE.base_addressx:
        base = unit.address(c.number());
        break;
      case LLE.base_address:
        base = unit.sections.place('.debug_loclists', c.at);
        c.slice(8);
        break;
      case LLE.startx_endx: {
        const start = unit.address(c.number());
        push(start, unit.address(c.number()).offset);
        break;
      }
      case LLE.startx_length: {
        const start = unit.address(c.number());
        push(start, start.offset + c.number());
        break;
      }
      case LLE.offset_pair: {
        const start = { section: base.section, offset: base.offset + c.number() };
        push(start, base.offset + c.number());
        break;
      }
      case LLE.start_end: {
        const start = unit.sections.place('.debug_loclists', c.at);
        c.slice(8);
        push(start, Number(c.u64()));
        break;
      }
      case LLE.start_length: {
        const start = unit.sections.place('.debug_loclists', c.at);
        c.slice(8);
        push(start, start.offset + c.number());
        break;
      }
      case LLE.default_location:
        c.slice(c.number());
        break;
      default:
        return out;
    }
  }
  return out;
}

/** Code that an entry stands for. */
export function rangesOf(unit: Unit, { attributes }: Die): Range[] {
  const low = attributes.get(AT.low_pc);
  const high = attributes.get(AT.high_pc);
  if (low?.kind === 'address' && high !== undefined) {
    const end =
      high.kind === 'constant'
        ? low.place.offset + Number(high.value)
        : high.kind === 'address'
          ? high.place.offset
          : low.place.offset;
    return [{ start: low.place, end }];
  }
  const ranges = attributes.get(AT.ranges);
  if (ranges?.kind === 'list' && unit.version < 5) return oldRanges(unit, ranges.offset);
  const offset = offsetOf(unit, ranges, '.debug_rnglists', AT.rnglists_base);
  if (offset === undefined) return [];
  const c = new Cursor(unit.sections.bytes('.debug_rnglists'), offset);
  const out: Range[] = [];
  let { base } = unit;
  for (let n = 0; n < MOST; n++) {
    switch (c.u8()) {
      case RLE.end_of_list:
        return out;
      case RLE.base_addressx:
        base = unit.address(c.number());
        break;
      case RLE.base_address:
        base = unit.sections.place('.debug_rnglists', c.at);
        c.slice(8);
        break;
      case RLE.startx_endx: {
        const start = unit.address(c.number());
        out.push({ start, end: unit.address(c.number()).offset });
        break;
      }
      case RLE.startx_length: {
        const start = unit.address(c.number());
        out.push({ start, end: start.offset + c.number() });
        break;
      }
      case RLE.offset_pair: {
        const start = { section: base.section, offset: base.offset + c.number() };
        out.push({ start, end: base.offset + c.number() });
        break;
      }
      case RLE.start_end: {
        const start = unit.sections.place('.debug_rnglists', c.at);
        c.slice(8);
        out.push({ start, end: Number(c.u64()) });
        break;
      }
      case RLE.start_length: {
        const start = unit.sections.place('.debug_rnglists', c.at);
        c.slice(8);
        out.push({ start, end: start.offset + c.number() });
        break;
      }
      default:
        return out;
    }
  }
  return out;
}

/** A list by its offset, or by its place in the unit's table of them. */
function offsetOf(unit: Unit, list: Attribute | undefined, section: string, baseAt: number): number | undefined {
  if (list?.kind === 'list') return list.offset;
  if (list?.kind !== 'listIndex') return undefined;
  const base = unit.listBase(baseAt);
  return base + new Cursor(unit.sections.bytes(section), base + 4 * list.index).u32();
}

const ALL_ONES = (1n << 64n) - 1n;

function* oldPairs(unit: Unit, section: string, at: number): IterableIterator<readonly [Range, Cursor]> {
  const c = new Cursor(unit.sections.bytes(section), at);
  let { base } = unit;
  for (let n = 0; n < MOST; n++) {
    const place = unit.sections.place(section, c.at);
    const first = c.u64();
    const second = c.u64();
    if (first === 0n && second === 0n) return;
    if (first === ALL_ONES) {
      base = unit.sections.place(section, c.at - 8);
      continue;
    }
    // relocated ones name their section, the others count from the base
    const start = place.section !== 0 ? place : { section: base.section, offset: base.offset + Number(first) };
    yield [{ start, end: place.section !== 0 ? Number(second) : base.offset + Number(second) }, c];
  }
}
function oldLocations(unit: Unit, at: number): Located[] {
  const out: Located[] = [];
  for (const [range, c] of oldPairs(unit, '.debug_loc', at))
    out.push({ ...range, expression: expressionOf(c, '.debug_loc', c.u16()) });
  return out;
}
const oldRanges = (unit: Unit, at: number): Range[] => [...oldPairs(unit, '.debug_ranges', at)].map(([range]) => range);
