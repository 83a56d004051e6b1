#!/usr/bin/env node
// Bundles the library and the command line into dist/. One file loads several times faster than some
// hundred modules, and one script can be kept compiled: the command line's code cache is written by
// running the main job once.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { browserBundle, DATA, dataFiles } from './browser.mjs';
import { bundle } from './bundle.mjs';

/**
 * Sources are ES modules and load CommonJS by `createRequire(import.meta.url)` where they need it late. The bundle is
 * CommonJS, where that is `require`: what it asks for is then bundled and kept compiled with the rest.
 */
const plainRequire = {
  name: 'plain-require',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, 'utf8');
      if (!text.includes('createRequire(import.meta.url)(')) return undefined;
      return { contents: text.replaceAll('createRequire(import.meta.url)(', 'require('), loader: 'ts' };
    });
  },
};

/**
 * Node's modules that a dependency asks for when it is loaded, but hardly ever calls: loaded when touched, as that
 * takes milliseconds. commander wants child_process for subcommands in files of their own, which there are none of;
 * elfy wants assert for string tables of the wrong type.
 */
const LAZY = { child_process: ['spawn'], assert: ['equal'] };
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?(child_process|assert)$/ }, ({ path, importer }) =>
      /node_modules.(commander|elfy)/.test(importer)
        ? { path: path.replace('node:', ''), namespace: 'lazy' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: LAZY[path]
        .map((name) => `exports.${name} = (...args) => require('node:${path}').${name}(...args);`)
        .join('\n'),
    }));
  },
};

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
  entryPoints: ['src/testkit/vitest.ts'],
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
  ...bundle,
  entryPoints: ['src/cli/main.ts'],
  outfile: 'dist/cli.cjs',
  format: 'cjs',
  minifyWhitespace: true,
  minifyIdentifiers: true,
  external: ['blessed'],
  plugins: [...bundle.plugins, lazyBuiltins, plainRequire],
  define: { 'import.meta.url': '__url' },
  // one function expression, which bin/ebpf-emu.cjs calls with what CommonJS gives a module
  banner: {
    js: "(function (exports, require, module, __filename) {const __url = require('node:url').pathToFileURL(__filename).href;",
  },
  footer: { js: '})' },
});
await build({
  ...browserBundle,
  outfile: 'dist/browser.js',
});
for (const name of dataFiles) cpSync(`${DATA}/${name}`, `dist/data/${name}`);
// without the cache it only starts more slowly
spawnSync(process.execPath, ['bin/ebpf-emu.cjs', 'load', 'fixtures/hello.o'], {
  env: { ...process.env, EBPF_EMU_CODE_CACHE: 'dist/cli.cache' },
  stdio: 'ignore',
});
