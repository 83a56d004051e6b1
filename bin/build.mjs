#!/usr/bin/env node
// Bundles the command line and the library into dist/. One file loads several times faster than
// some hundred modules; what a first run does not need is split off and loaded when asked for.
import { cpSync, readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

rmSync('dist', { recursive: true, force: true });
await build({
  entryPoints: { index: 'src/index.ts', cli: 'src/cli/main.ts' },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  minifySyntax: true,
  sourcemap: false,
  chunkNames: '[name]-[hash]',
  logLevel: 'warning',
});

// data files that the kernel model reads when they are first needed
for (const name of readdirSync('kernel-sim/data')) {
  if (name.endsWith('.gz')) cpSync(`kernel-sim/data/${name}`, `dist/data/${name}`);
}
