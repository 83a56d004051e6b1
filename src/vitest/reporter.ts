/**
 * `reporters: ['default', 'ebpf-emu/vitest-reporter']`: C lines that tests covered, beside vitest's own coverage
 * (https://vitest.dev/api/advanced/reporters). With `vitest run --coverage`, or where EBPF_EMU_COVERAGE names a directory.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cobertura, lcov, summary } from '../index.ts';
import { DIRECTORY, forget, gather } from './coverage.ts';

/** What it needs of vitest, 4 and 5 alike. */
export interface RunningVitest {
  readonly config: {
    readonly root: string;
    readonly coverage?: { readonly enabled?: boolean; readonly reportsDirectory?: string };
    readonly env?: Readonly<Record<string, unknown>>;
  };
}

export default class BpfCoverageReporter {
  #directory: string | undefined;

  onInit({ config }: RunningVitest): void {
    const { coverage, env, root } = config;
    const named = process.env[DIRECTORY] ?? env?.[DIRECTORY];
    const directory =
      typeof named === 'string' ? named : coverage?.enabled ? (coverage.reportsDirectory ?? 'coverage') : '';
    if (directory === '') return;
    this.#directory = join(directory.startsWith('/') ? '' : root, directory);
    // workers begin with the environment that this process has
    process.env[DIRECTORY] = this.#directory;
    forget(this.#directory);
  }

  onTestRunEnd(): void {
    const directory = this.#directory;
    const coverage = directory === undefined ? undefined : gather(directory);
    if (directory === undefined || coverage === undefined) return;
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'bpf.lcov'), lcov(coverage));
    writeFileSync(join(directory, 'bpf.xml'), cobertura(coverage, Date.now()));
    process.stdout.write(`\n BPF coverage, in ${directory}: bpf.lcov, bpf.xml\n${summary(coverage)}`);
  }
}
