#!/usr/bin/env node
// Bundles the library and the command line into dist/: one file loads several times faster than some hundred modules.
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
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
// for require(): the same, whose own address is a path there
await build({
  ...bundle,
  entryPoints: ['src/index.ts'],
  outfile: 'dist/index.cjs',
  format: 'cjs',
  packages: 'external',
  define: { 'import.meta.url': '__url' },
  banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
});
// the library that matchers judge by is the one that the test imports, so that its classes are the same
const library = {
  name: 'library',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\.\/index\.ts$/ }, () => ({ path: './index.js', external: true }));
  },
};
for (const [entry, name] of [
  ['index', 'vitest'],
  ['reporter', 'vitest-reporter'],
])
  await build({
    ...bundle,
    entryPoints: [`src/vitest/${entry}.ts`],
    outfile: `dist/${name}.js`,
    format: 'esm',
    packages: 'external',
    plugins: [...bundle.plugins, library],
  });
await build({
  ...browserBundle,
  outfile: 'dist/browser.js',
});
await buildCli('.');
// ebpf-emu(1), as the commands are
writeFileSync('dist/ebpf-emu.1', execFileSync(process.execPath, ['bin/ebpf-emu.cjs', 'manual']));
