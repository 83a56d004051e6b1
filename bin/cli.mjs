// The command line as one script that can be kept compiled, beside the data that it reads. bin/ebpf-emu.cjs starts it.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { DATA, dataFiles } from './browser.mjs';
import { bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

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

/** Builds into `installed`/dist. The code cache is written by running the main job once with `installed`/bin. */
export async function buildCli(installed) {
  const dist = join(installed, 'dist');
  await build({
    ...bundle,
    absWorkingDir: root,
    entryPoints: ['src/cli/main.ts'],
    outfile: join(dist, 'cli.cjs'),
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
  for (const name of dataFiles) cpSync(join(DATA, name), join(dist, 'data', name));
  // without the cache it only starts more slowly
  spawnSync(process.execPath, [join(installed, 'bin/ebpf-emu.cjs'), 'load', join(root, 'fixtures/hello.o')], {
    env: { ...process.env, EBPF_EMU_CODE_CACHE: join(dist, 'cli.cache') },
    stdio: 'ignore',
  });
}
