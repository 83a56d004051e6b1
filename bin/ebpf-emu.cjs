#!/usr/bin/env node
'use strict';
// Starts the bundled command line. The bundle is compiled from V8's code cache where the build left
// one that this Node accepts: most of a short run's time would else go into compiling.
const { existsSync, readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');
const vm = require('node:vm');

const filename = join(__dirname, '..', 'dist', 'cli.cjs');
const cache = join(__dirname, '..', 'dist', 'cli.cache');
/** The build asks for the cache after a run, when the functions that a run needs are compiled. */
const makeCache = process.env.EBPF_EMU_CODE_CACHE;

if (existsSync(filename)) {
  // the bundle is one function expression in ASCII: nothing is decoded or put together here
  const script = new vm.Script(readFileSync(filename, 'latin1'), {
    filename,
    cachedData: !makeCache && existsSync(cache) ? readFileSync(cache) : undefined,
  });
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, createRequire(filename), bundle, filename);
  const done = bundle.exports.run(process.argv);
  if (makeCache) done.then(() => require('node:fs').writeFileSync(makeCache, script.createCachedData()));
} else {
  console.error('ebpf-emu: not built yet; run `npm install` (or `npm run build`) in its folder');
  process.exitCode = 1;
}
