/**
 * What `npm run bench -- --check` holds: ratios within one run, so that the computer's speed and what else it does matter
 * little. A budget is what holds with some room, not what is wanted: docs/performance.md has both.
 */
import type { Row } from './report.ts';

/** Rows of a group's table, as shown. */
export type Tables = Readonly<Record<string, readonly (readonly Row[])[]>>;

export interface Budget {
  readonly name: string;
  /** group on the command line, and number of its table */
  readonly group: string;
  readonly table: number;
  /** the figure; undefined where there is nothing to measure it by */
  readonly of: (rows: readonly Row[]) => number | undefined;
  readonly most: number;
}

const value = (rows: readonly Row[], name: string, column: number): number | undefined =>
  rows.find((r) => r.name.startsWith(name))?.values[column];

function ratio(rows: readonly Row[], column: number, name: string, to: string): number | undefined {
  const [a, b] = [value(rows, name, column), value(rows, to, column)];
  return a === undefined || b === undefined ? undefined : a / b;
}

function largest(rows: readonly Row[], column: number): number | undefined {
  const all = rows.map((r) => r.values[column]).filter((v) => v !== undefined);
  return all.length > 0 ? Math.max(...all) : undefined;
}

export const BUDGETS: readonly Budget[] = [
  { name: 'first 1,000 events / node -e 0', group: 'first', table: 0, of: (r) => value(r, '1,000', 2), most: 4.2 },
  { name: 'first 10,000 events / node -e 0', group: 'first', table: 0, of: (r) => value(r, '10,000', 2), most: 9 },
  {
    name: 'first 10 M instructions, translated / interpreted',
    group: 'first',
    table: 0,
    of: (r) => ratio(r, 0, '10 M instructions of sieve, jit', '10 M instructions of sieve, interp'),
    most: 3,
  },
  {
    name: 'an event of six tasks in turn / of one',
    group: 'events',
    table: 0,
    of: (r) => ratio(r, 0, 'opens, six', 'opens: kprobe'),
    most: 2.1,
  },
  {
    name: 'translated / gcc, geometric mean',
    group: 'kernels',
    table: 0,
    of: (r) => value(r, 'geomean', 1),
    most: 1.85,
  },
  { name: 'translated / gcc, worst kernel', group: 'kernels', table: 0, of: (r) => largest(r, 1), most: 3.2 },
  { name: 'stepped / gcc, geometric mean', group: 'kernels', table: 0, of: (r) => value(r, 'geomean', 3), most: 55 },
  {
    name: 'load hello.o / node -e 0',
    group: 'startup',
    table: 0,
    of: (r) => value(r, 'fixtures/hello.o', 2),
    most: 4.3,
  },
  {
    name: 'load, 40,000 calls of six tasks / node -e 0',
    group: 'startup',
    table: 0,
    of: (r) => value(r, 'opens.o', 2),
    most: 36,
  },
  {
    name: 'verifier log, level 2 / level 0',
    group: 'verify',
    table: 1,
    of: (r) => ratio(r, 0, 'level 2', 'level 0'),
    most: 6,
  },
  {
    name: 'verifier log, peak MiB of level 2',
    group: 'verify',
    table: 1,
    of: (r) => value(r, 'level 2', 1),
    most: 330,
  },
  {
    name: 'verifier, first load / warm, time an instruction',
    group: 'verify',
    table: 0,
    of: (rows) =>
      largest(
        rows.map((r) => ({ name: r.name, values: [r.values[1]! / r.values[0]!] })),
        0,
      ),
    most: 14,
  },
];

/** Prints each budget beside what was measured; whether all hold. */
export function check(tables: Tables): boolean {
  let holds = true;
  for (const { name, group, table, of, most } of BUDGETS) {
    const rows = tables[group]?.[table];
    if (rows === undefined) continue;
    const figure = rows.length > 0 ? of(rows) : undefined;
    const verdict = figure === undefined ? 'not measured' : figure <= most ? 'ok' : 'OVER';
    if (verdict === 'OVER') holds = false;
    console.log(`${name.padEnd(56)} ${(figure?.toFixed(2) ?? '').padStart(8)}  at most ${most}  ${verdict}`);
  }
  return holds;
}
