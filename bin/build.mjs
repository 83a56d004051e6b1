#!/usr/bin/env node
// Bundles the library and the command line into dist/: one file loads several times faster than some hundred modules.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';
import { browserBundle } from './browser.mjs';
import { bundle } from './bundle.mjs';
import { buildCli } from './cli.mjs';

rmSync('dist', { recursive: true, force: true });
await build({
  ...bundle,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.js',
  format: 'esm',
  packages: 'external',
});
// matchers: the library they judge by is the one that the test imports, so that its classes are the same
await build({
  ...bundle,
  entryPoints: ['src/vitest.ts'],
  outfile: 'dist/vitest.js',
  format: 'esm',
  packages: 'external',
  plugins: [
    ...bundle.plugins,
    {
      name: 'library',
      setup({ onResolve }) {
        onResolve({ filter: /^\.\/index\.ts$/ }, () => ({ path: './index.js', external: true }));
      },
    },
  ],
});
await build({
  ...browserBundle,
  outfile: 'dist/browser.js',
});
await buildCli('.');
