/**
 * How the verifier's work on programs is reported: the tables and CSV of veristat (tools/testing/selftests/bpf/veristat,
 * whose own documentation are the messages of the commits that made it), so that what reads its output reads this.
 */
import { checkArgument, checkOptions, required, type Schema } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { cellsOf, join, pairValue, parseCsv } from './compare.ts';
import { parseColumns, parseOrder } from './spec.ts';
import { DEFAULT_COMPARE, DEFAULT_CSV, DEFAULT_TABLE, type Stats } from './stats.ts';
import { columnsOf, comparedColumns, csvText, sorted, statOf, tableText } from './table.ts';

export { type Stats, statsOfLog } from './stats.ts';

export interface VeristatOptions {
  /** columns: `file,prog,verdict,insns` */
  readonly emit?: string | undefined;
  /** order: `insns,prog^` */
  readonly sort?: string | undefined;
  /** default: table */
  readonly output?: 'table' | 'csv' | undefined;
}

export interface Processed {
  readonly files: number;
  readonly skippedFiles: number;
  readonly skippedPrograms: number;
}

const OPTIONS: Schema<VeristatOptions> = { emit: is.text, sort: is.text, output: is.oneOf('table', 'csv') };
const PROCESSED: Schema<Processed> = {
  files: required(is.count),
  skippedFiles: required(is.count),
  skippedPrograms: required(is.count),
};
const isStats = is.holding('row of statistics', 'file_name', 'prog_name', 'values');

/** One run. @throws ArgumentError, for columns and orders that there are not too */
export function veristat(rows: readonly Stats[], processed: Processed, options: VeristatOptions): string {
  checkArgument('rows', rows, is.listOf(isStats));
  checkOptions('processed', processed, PROCESSED);
  checkOptions('options', options, OPTIONS);
  const isCsv = options.output === 'csv';
  const stats = options.emit === undefined ? (isCsv ? DEFAULT_CSV : DEFAULT_TABLE) : parseColumns(options.emit);
  const order = options.sort === undefined ? [] : parseOrder(options.sort);
  const cells = sorted(rows, order, (row, { stat }) => statOf(row, stat)).map((row) =>
    stats.map((stat) => String(statOf(row, stat) ?? 'N/A')),
  );
  if (isCsv) return csvText(columnsOf(stats), cells);
  const { files, skippedFiles, skippedPrograms } = processed;
  return `${tableText(columnsOf(stats), cells)}Done. Processed ${files} files, ${rows.length} programs. Skipped ${skippedFiles} files, ${skippedPrograms} programs.\n`;
}

/** Two runs beside each other. @throws ArgumentError for files that are no CSV of veristat's */
export function compareRuns(
  base: { readonly text: string; readonly file: string },
  next: { readonly text: string; readonly file: string },
  options: VeristatOptions,
): string {
  const [a, b] = [parseCsv(base.text, base.file), parseCsv(next.text, next.file)];
  const has = new Set([...a.columns, ...b.columns]);
  const stats =
    options.emit === undefined ? DEFAULT_COMPARE.filter((stat) => has.has(stat)) : parseColumns(options.emit);
  const order = options.sort === undefined ? [] : parseOrder(options.sort);
  const cells = sorted(join(a.rows, b.rows), order, pairValue).map((pair) => cellsOf(pair, stats));
  const columns = comparedColumns(stats);
  return options.output === 'csv' ? csvText(columns, cells) : tableText(columns, cells);
}
