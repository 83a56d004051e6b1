/** What a worker's tests covered, noted in files for the reporter to merge. */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Coverage, type CoverageJson, type Kernel } from '../index.ts';

/** Directory of the reports, where tests are to be measured: told to workers by the reporter, or by their environment. */
export const DIRECTORY = 'EBPF_EMU_COVERAGE';
const NOTE = /^\.bpf-\d+\.json$/;

/** all that this process covered */
const covered = new Coverage();

/** Begins to measure a kernel, where that is wanted. */
export function begin(kernel: Kernel): void {
  if (process.env[DIRECTORY]) kernel.measure();
}
/** Notes what a test has covered. */
export function note(kernel: Kernel): void {
  const directory = process.env[DIRECTORY];
  if (!directory) return;
  covered.merge(kernel.takeCoverage());
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `.bpf-${process.pid}.json`), JSON.stringify(covered));
}

const notes = (directory: string): string[] => {
  try {
    return readdirSync(directory)
      .filter((name) => NOTE.test(name))
      .map((name) => join(directory, name));
  } catch {
    // nobody has written there
    return [];
  }
};
/** Takes away what an earlier run left. */
export function forget(directory: string): void {
  for (const file of notes(directory)) rmSync(file, { force: true });
}
/** What all workers covered; undefined where none did. */
export function gather(directory: string): Coverage | undefined {
  const files = notes(directory);
  if (files.length === 0) return undefined;
  const all = new Coverage();
  for (const file of files) all.merge(Coverage.fromJSON(JSON.parse(readFileSync(file, 'utf8')) as CoverageJson));
  forget(directory);
  return all;
}
