/** A structure as columns of a table: its members' names and widths. */
import { type Btf, type BtfComposite, isComposite } from '../../btf/index.ts';
import { type Json, jsonText, Members } from '../json.ts';

export interface Column {
  /** `pid`, `in.port` */
  readonly name: string;
  readonly width: number;
  readonly right: boolean;
}

/** digits that are usual in integers of so many bytes; what is longer pushes the rest aside */
const DIGITS: Readonly<Record<number, number>> = { 1: 3, 2: 5, 4: 7, 8: 15 };
/** a task's name, TASK_COMM_LEN */
const TEXT = 16;

export function columnsOf(btf: Btf, type: BtfComposite, prefix = ''): Column[] {
  return type.members.flatMap((m): Column[] => {
    const inner = btf.resolve(m.type);
    if (isComposite(inner) && inner.kind === 'struct')
      return columnsOf(btf, inner, m.name === '' ? prefix : `${prefix}${m.name}.`);
    if (isComposite(inner) && m.name === '') return columnsOf(btf, inner, prefix);
    if (m.name === '') return [];
    const name = `${prefix}${m.name}`;
    const isText = inner.kind === 'array' && btf.resolve(inner.type).kind === 'int' && btf.sizeOf(inner.type) === 1;
    const isNumber = inner.kind === 'int';
    const usual = isText ? Math.min(inner.length, TEXT) : isNumber ? (DIGITS[inner.size] ?? TEXT) : TEXT;
    return [{ name, width: Math.max(name.length, usual), right: isNumber }];
  });
}

/** Members by the names of their columns, those of nested structures behind a dot. */
export function flatten(value: Json, prefix = '', out = new Map<string, Json>()): Map<string, Json> {
  if (!(value instanceof Members)) return out;
  for (const [name, part] of value.pairs) {
    if (part instanceof Members) flatten(part, `${prefix}${name}.`, out);
    out.set(`${prefix}${name}`, part);
  }
  return out;
}

/** A value on one line, strings without quotes; a stack as its functions, each called by the next. */
export function cellText(value: Json | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (value === null) return '0x0';
  const words = Array.isArray(value) ? (value as readonly Json[]) : [];
  if (words.length > 0 && words.every((w) => typeof w === 'string')) return words.join(' < ');
  return jsonText(value, 'plain');
}

export const rowText = (columns: readonly Column[], cell: (column: Column) => string): string =>
  columns
    .map((c) => (c.right ? cell(c).padStart(c.width) : cell(c).padEnd(c.width)))
    .join(' ')
    .trimEnd();
