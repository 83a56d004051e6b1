/**
 * Golden text: what a run wrote, beside the tests. `UPDATE_GOLDEN=1` rewrites it; a mismatch leaves
 * what was written in a file with `.actual` behind its name.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect } from 'vitest';

export const updating = process.env['UPDATE_GOLDEN'] === '1';

export function matchGolden(path: URL, text: string): void {
  const actual = new URL(`${path.href}.actual`);
  if (updating) writeFileSync(path, text);
  const golden = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (golden === text) rmSync(actual, { force: true });
  else writeFileSync(actual, text);
  expect(text).toBe(golden);
}

/** Times on the host differ from run to run. */
export const maskTimes = (text: string): string =>
  text.replace(/\d+(?:\.\d+)? ms\b/g, 'N ms').replace(/\d+ns\b/g, 'Nns');
