// The command line as one script that can be kept compiled, beside the data that it reads. bin/ebpf-emu.cjs starts it.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, cpSync, readFileSync, rmSync } from 'node:fs';
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
 * Node's modules that are wanted when a module is loaded, but hardly ever called: loaded when one of these functions is,
 * as that takes milliseconds. elfy asserts that a string table's type is one. blessed would ask tmux for its version, which
 * only matters to its own way of turning the mouse on, and takes a newer one for granted where it cannot.
 */
const LAZY = { child_process: ['spawn', 'spawnSync'], zlib: ['gunzipSync'], assert: ['equal'] };
const QUICK = { equal: 'args[0] == args[1] || ' };
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?(child_process|zlib|assert)$/ }, ({ path, kind, namespace }) =>
      namespace === 'lazy' || kind === 'dynamic-import'
        ? { path, external: true }
        : { path: path.replace('node:', ''), namespace: 'lazy' },
    );
    onLoad({ filter: /.*/, namespace: 'lazy' }, ({ path }) => ({
      contents: LAZY[path]
        .map((name) => `exports.${name} = (...args) => ${QUICK[name] ?? ''}require('node:${path}').${name}(...args);`)
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
    plugins: [...bundle.plugins, lazyBuiltins, plainRequire],
    define: { 'import.meta.url': '__url' },
    // one function expression, which bin/ebpf-emu.cjs calls with what CommonJS gives a module
    banner: {
      js: "(function (exports, require, module, __filename) {const __url = require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
  });
  // by which a code cache knows it
  const bundled = join(dist, 'cli.cjs');
  appendFileSync(
    bundled,
    `//${createHash('sha256').update(readFileSync(bundled)).digest('hex').slice(0, 32)}\n`.padStart(64),
  );
  rmSync(join(dist, 'cli.cache'), { force: true });
  for (const name of dataFiles) cpSync(join(DATA, name), join(dist, 'data', name));
  // without the cache it only starts more slowly
  spawnSync(process.execPath, [join(installed, 'bin/ebpf-emu.cjs'), 'load', join(root, 'fixtures/hello.o')], {
    env: { ...process.env, EBPF_EMU_CODE_CACHE: join(dist, 'cli.cache') },
    stdio: 'ignore',
  });
}
