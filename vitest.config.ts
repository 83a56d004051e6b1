import { defineConfig } from 'vitest/config';
import { reporters } from './test/support/reporters.ts';
import { workers } from './test/support/workers.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/slow/**', 'node_modules/**'],
    provide: { depth: 'quick' },
    reporters,
    testTimeout: 60_000,
    ...workers,
    // a kernel owes nothing to module state, so test files of a process share its modules: loading them took as long as testing
    isolate: false,
  },
});
