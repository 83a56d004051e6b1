/** Rows as veristat(8) prints them: a table with a line of dashes above and below, or CSV. */

import type { Order } from './spec.ts';
import { isKey, STATS, type StatName, type Stats } from './stats.ts';

export interface Column {
  /** as the table has it; what is at its right end stands in front of the gap */
  readonly header: string;
  readonly tail: string;
  readonly csv: string;
  readonly left: boolean;
}

const GAP = '  ';

export function tableText(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map((c, n) =>
    Math.max(c.header.length + c.tail.length, ...rows.map((row) => row[n]?.length ?? 0)),
  );
  const heads = columns.map((c, n) => c.header.padEnd((widths[n] ?? 0) - c.tail.length) + c.tail);
  const dashes = widths.map((w) => '-'.repeat(w)).join(GAP);
  const cell = (text: string, n: number): string =>
    columns[n]?.left ? text.padEnd(widths[n] ?? 0) : text.padStart(widths[n] ?? 0);
  const lines = [heads.join(GAP), dashes, ...rows.map((row) => row.map(cell).join(GAP)), dashes];
  return `${lines.join('\n')}\n`;
}

export const csvText = (columns: readonly Column[], rows: readonly (readonly string[])[]): string =>
  [columns.map((c) => c.csv), ...rows].map((row) => `${row.join(',')}\n`).join('');

export const statOf = (stats: Stats, stat: StatName): string | number | undefined =>
  stat === 'file_name' || stat === 'prog_name' ? stats[stat] : stats.values[stat];

/** Less than 0 where `a` comes first. What is absent is less than all. */
export function compareValues(a: string | number | undefined, b: string | number | undefined): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? -1 : 1;
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a) < String(b) ? -1 : 1;
}

const DEFAULT_ORDER: readonly Order[] = (['file_name', 'prog_name'] as const).map((stat) => ({
  stat,
  variant: 'b',
  absolute: false,
  ascending: true,
}));

/** Rows in an order, ties by file and program. */
export function sorted<T>(
  rows: readonly T[],
  order: readonly Order[],
  value: (row: T, by: Order) => string | number | undefined,
): T[] {
  const all = [...order, ...DEFAULT_ORDER];
  return [...rows].sort((a, b) => {
    for (const by of all) {
      const differs = compareValues(value(a, by), value(b, by));
      if (differs !== 0) return by.ascending ? differs : -differs;
    }
    return 0;
  });
}

/** Columns of one run. */
export const columnsOf = (stats: readonly StatName[]): Column[] =>
  stats.map((stat) => ({ header: STATS[stat].header, tail: '', csv: STATS[stat].names[0], left: STATS[stat].left }));

const PARTS = [
  [' (A)', '_base'],
  [' (B)', '_comp'],
  [' (DIFF)', '_diff'],
] as const;

/** Columns of two runs: three for each that is no key. */
export const comparedColumns = (stats: readonly StatName[]): Column[] =>
  stats.flatMap((stat) => {
    const { header, left, names } = STATS[stat];
    if (isKey(stat)) return [{ header, tail: '', csv: names[0], left }];
    return PARTS.map(([tail, suffix]) => ({ header, tail, csv: `${names[0]}${suffix}`, left }));
  });
