// The library as one module for browsers. `browser` in package.json says which file takes another's place there.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Packed data that the kernel model reads when it is first needed. */
export const DATA = `${root}kernel-sim/data`;
export const dataFiles = readdirSync(DATA).filter((name) => name.endsWith('.gz'));

/** A browser has no files beside the bundle: the data is in it, in base64, and decoded when it is first needed. */
const embeddedData = {
  name: 'embedded-data',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^ebpf-emu:data$/ }, ({ path }) => ({ path, namespace: 'data' }));
    onLoad({ filter: /.*/, namespace: 'data' }, () => {
      const rows = dataFiles.map((name) => [name, readFileSync(`${DATA}/${name}`).toString('base64')]);
      return { contents: `export const files = ${JSON.stringify(Object.fromEntries(rows))};` };
    });
  },
};

/** What elfy uses of Node's modules. */
const NODE_PARTS = {
  assert: "exports.equal = (a, b) => { if (a != b) throw new Error(a + ' is not ' + b); };",
  util: 'exports.inherits = (f, base) => Object.setPrototypeOf(f.prototype, base.prototype);',
};
const nodeParts = {
  name: 'node-parts',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(assert|util)$/ }, ({ path }) => ({ path, namespace: 'node-parts' }));
    onLoad({ filter: /.*/, namespace: 'node-parts' }, ({ path }) => ({ contents: NODE_PARTS[path] }));
  },
};

export const browserBundle = {
  ...bundle,
  absWorkingDir: root,
  entryPoints: ['src/index.ts'],
  format: 'esm',
  platform: 'browser',
  minifyWhitespace: true,
  minifyIdentifiers: true,
  plugins: [...bundle.plugins, embeddedData, nodeParts],
};
