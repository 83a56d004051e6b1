/** What a benchmark gives: numbers in a table, for people or for machines; and the few statistics it needs. */
import { readFileSync } from 'node:fs';

export interface Column {
  readonly name: string;
  /** digits behind the point */
  readonly digits: number;
}

export interface Row {
  readonly name: string;
  /** one a column; undefined where there is nothing to say */
  readonly values: readonly (number | undefined)[];
}

/** One group of measurements. Each part runs in a process of its own, so that none disturbs another. */
export interface Group {
  readonly title: string;
  readonly columns: readonly Column[];
  /** names of the parts, or why there are none */
  readonly parts: readonly string[] | string;
  run(part: string, options: BenchOptions): Row[] | Promise<Row[]>;
  /** what the table shows instead of the rows of all parts */
  readonly shown?: (rows: readonly Row[]) => Row[];
  readonly notes?: readonly string[];
}

export interface BenchOptions {
  /** events of the longest run of `growth` */
  readonly most: number;
}

export function table(columns: readonly Column[], rows: readonly Row[]): string {
  const cells = [
    ['', ...columns.map((c) => c.name)],
    ...rows.map((r) => [r.name, ...columns.map((c, i) => r.values[i]?.toFixed(c.digits) ?? '')]),
  ];
  const width = columns.map((_, i) => Math.max(...cells.map((row) => (row[i + 1] as string).length)));
  const first = Math.max(...cells.map((row) => (row[0] as string).length));
  return cells
    .map(([name, ...rest]) =>
      [(name as string).padEnd(first), ...rest.map((c, i) => c.padStart(width[i] as number))].join('  ').trimEnd(),
    )
    .join('\n');
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? (sorted[half] as number) : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
};

export const geomean = (values: readonly number[]): number =>
  Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

/** ms that the calling thread has run, as Linux counts (Documentation/scheduler/sched-stats.rst, schedstat); elsewhere ms of the clock. */
export function threadTime(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return performance.now();
  }
}

/** CPU time of this process in µs: unlike the clock it does not count what else the computer does. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** MiB of memory: resident, of V8's heap, and of buffers beside it (guest memory is not among them); after a collection where node has --expose-gc. */
export function memory(): { readonly rss: number; readonly heap: number; readonly buffers: number } {
  (globalThis as { gc?: () => void }).gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20, buffers: arrayBuffers / 2 ** 20 };
}
