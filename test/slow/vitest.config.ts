import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { reporters } from '../support/reporters.ts';
import { workers } from '../support/workers.ts';

const tests = new URL('../', import.meta.url);
/** Quick suites that try more here: those that ask how many. */
const deeper = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.test.ts') && !path.startsWith('slow/'))
  .filter((path) => readFileSync(new URL(path, tests), 'utf8').includes('/support/depth.ts'));

export default defineConfig({
  test: {
    dir: fileURLToPath(tests),
    include: ['slow/**/*.test.ts', ...deeper],
    provide: { depth: 'full' },
    reporters,
    testTimeout: 900_000,
    hookTimeout: 900_000,
    ...workers,
  },
});
