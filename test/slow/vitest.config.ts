import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { dir: 'test/slow', include: ['**/*.test.ts'], testTimeout: 900_000, hookTimeout: 900_000, pool: 'forks' },
});
