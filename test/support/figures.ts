/**
 * What a suite measured, held exactly: `test/results/SUITE.json` is committed, a run that finds other figures fails
 * (fewer is a step back, more is not yet written down), and `UPDATE_GOLDEN=1` writes what it finds. The parity page
 * takes its figures from there, so none of them is typed.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';
import { updating } from './golden.ts';

/** Counts by what was counted. */
export type Figures = Readonly<Record<string, number>>;

const file = (suite: string): URL => new URL(`../results/${suite}.json`, import.meta.url);

/** Figures of a suite by part. */
export function figuresOf(suite: string): Readonly<Record<string, Figures>> {
  return existsSync(file(suite)) ? JSON.parse(readFileSync(file(suite), 'utf8')) : {};
}

/** Fails unless `part` of the suite has exactly these figures. One suite, one test file: it may write. */
export function holdFigures(suite: string, part: string, figures: Figures): void {
  if (updating) {
    const all = Object.entries({ ...figuresOf(suite), [part]: figures }).sort(([a], [b]) => (a < b ? -1 : 1));
    writeFileSync(file(suite), `${JSON.stringify(Object.fromEntries(all), null, 2)}\n`);
  }
  console.log(
    `${suite}, ${part}: ${Object.entries(figures)
      .map(([what, n]) => `${what} ${n}`)
      .join(', ')}`,
  );
  expect(figures, `test/results/${suite}.json, ${part} (UPDATE_GOLDEN=1 rewrites it)`).toEqual(figuresOf(suite)[part]);
}
