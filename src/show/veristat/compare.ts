/** Two runs of veristat beside each other: from the CSV files that it, or `verify --stats -o csv`, wrote. */
import { ArgumentError } from '../../errors/argument.ts';
import type { Order } from './spec.ts';
import { isKey, STAT_NAMES, STATS, type StatName, type Stats } from './stats.ts';
import { statOf } from './table.ts';

/** Rows of a CSV file. @throws ArgumentError naming the file and what is wrong in it */
export function parseCsv(
  text: string,
  file: string,
): { readonly columns: readonly StatName[]; readonly rows: readonly Stats[] } {
  const lines = text.split(/\r?\n/).filter((line) => line !== '');
  const heads = lines[0]?.split(',') ?? [];
  const columns = heads.map((name) => {
    const stat = STAT_NAMES.find((s) => (STATS[s].names as readonly string[]).includes(name));
    if (stat === undefined) throw new ArgumentError('compare', `${file}: '${name}' is no column of veristat's`);
    return stat;
  });
  if (!columns.includes('file_name') || !columns.includes('prog_name'))
    throw new ArgumentError(
      'compare',
      `${file}: it is no CSV of veristat's: file_name and prog_name are not among its columns`,
    );
  const rows = lines.slice(1).map((line, n): Stats => {
    const cells = line.split(',');
    if (cells.length !== columns.length)
      throw new ArgumentError(
        'compare',
        `${file}:${n + 2}: ${cells.length} columns, the first line has ${columns.length}`,
      );
    const all = Object.fromEntries(columns.map((stat, i) => [stat, cells[i] ?? '']));
    const values = Object.fromEntries(
      columns
        .filter((stat) => !isKey(stat))
        .map((stat) => [stat, /^-?\d+$/.test(all[stat] ?? '') ? Number(all[stat]) : (all[stat] ?? '')]),
    );
    return { file_name: all['file_name'] ?? '', prog_name: all['prog_name'] ?? '', values };
  });
  return { columns, rows };
}

/** A program in both runs, or in one. */
export interface Pair {
  readonly a: Stats | undefined;
  readonly b: Stats | undefined;
}

export function join(a: readonly Stats[], b: readonly Stats[]): Pair[] {
  const keyOf = (s: Stats): string => `${s.file_name}\0${s.prog_name}`;
  const later = new Map(b.map((s) => [keyOf(s), s]));
  const pairs: Pair[] = a.map((s) => ({ a: s, b: later.get(keyOf(s)) }));
  const earlier = new Set(a.map(keyOf));
  return [...pairs, ...b.filter((s) => !earlier.has(keyOf(s))).map((s) => ({ a: undefined, b: s }))];
}

const ABSENT = 'N/A';

/** Per cent of the first; from nothing to something is all. */
const percent = (a: number, b: number): number =>
  a === b ? 0 : a === 0 ? (b > 0 ? 100 : -100) : ((b - a) * 100) / Math.abs(a);

function difference(a: string | number | undefined, b: string | number | undefined): string {
  if (a === undefined || b === undefined) return ABSENT;
  if (typeof a !== 'number' || typeof b !== 'number') return a === b ? 'MATCH' : 'MISMATCH';
  const signed = (n: number, digits: number): string => `${n < 0 ? '-' : '+'}${Math.abs(n).toFixed(digits)}`;
  return `${signed(b - a, 0)} (${signed(percent(a, b), 2)}%)`;
}

/** Cells of a pair: one for keys, else both values and how they differ. */
export function cellsOf({ a, b }: Pair, stats: readonly StatName[]): string[] {
  return stats.flatMap((stat) => {
    const [left, right] = [a && statOf(a, stat), b && statOf(b, stat)];
    if (isKey(stat)) return [String(left ?? right ?? '')];
    return [String(left ?? ABSENT), String(right ?? ABSENT), difference(left, right)];
  });
}

/** What a pair is sorted by. */
export function pairValue({ a, b }: Pair, { stat, variant, absolute }: Order): string | number | undefined {
  const [left, right] = [a && statOf(a, stat), b && statOf(b, stat)];
  if (isKey(stat)) return left ?? right;
  if (variant === 'a') return left;
  if (variant === 'b') return right;
  if (typeof left !== 'number' || typeof right !== 'number')
    return left === undefined || right === undefined ? undefined : left === right ? 1 : 0;
  const value = variant === 'pct' ? percent(left, right) : right - left;
  return absolute ? Math.abs(value) : value;
}
