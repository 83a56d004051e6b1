/** What a run says besides its tests: at its end, what it left out and why; into `TEST_JSON`, a file, its results. */
import type { Reporter } from 'vitest/node';

type Event<Name extends 'onUserConsoleLog' | 'onTestRunEnd'> = Parameters<NonNullable<Reporter[Name]>>[0];

/** Tests tell by a line `skipped: ...` what is missing here. */
class Skipped implements Reporter {
  readonly #why = new Set<string>();

  onUserConsoleLog(log: Event<'onUserConsoleLog'>): void {
    for (const line of log.content.split('\n')) if (line.startsWith('skipped: ')) this.#why.add(line.slice(9));
  }
  onTestRunEnd(modules: Event<'onTestRunEnd'>): void {
    let tests = 0;
    for (const module of modules) for (const _ of module.children.allTests('skipped')) tests++;
    if (tests === 0) return;
    console.log(`\n${tests} tests skipped:`);
    for (const why of [...this.#why].sort()) console.log(`  ${why}`);
  }
}

const json = process.env['TEST_JSON'];
export const reporters: (string | Reporter | [string, { outputFile: string }])[] = [
  'default',
  new Skipped(),
  ...(json === undefined ? [] : [['json', { outputFile: json }] as [string, { outputFile: string }]]),
];
