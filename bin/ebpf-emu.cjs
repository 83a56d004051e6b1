#!/usr/bin/env node
'use strict';
// Starts the bundled command line. The bundle is compiled from V8's code cache where the build left
// one that this Node accepts: most of a short run's time would else go into compiling.
const { existsSync, readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');
const v8 = require('node:v8');
const vm = require('node:vm');

const filename = join(__dirname, '..', 'dist', 'cli.cjs');
const cache = join(__dirname, '..', 'dist', 'cli.cache');
/** The build asks for the cache after a run, when the functions that a run needs are compiled. */
const makeCache = process.env.EBPF_EMU_CODE_CACHE;

/**
 * V8 as a short run wants it. The optimising compiler waits seven times as long as by default (1 MB of
 * executed bytecode instead of 132 KB): it would else begin with the stepper's main loop, which takes
 * longer to compile than a short run has left, and whose end the process waits for. The guest's memory
 * counts as a gigabyte of pressure on the collector, though little of it is ever touched; without
 * concurrent marking that starts no full collection whose write barriers the whole start pays for.
 * Set behind the compilation of the bundle, as V8 takes a code cache only under the flags that it was made with.
 */
const SHORT_RUN = ['--interrupt-budget=1000000'];

if (existsSync(filename)) {
  // the bundle is one function expression in ASCII: nothing is decoded or put together here
  const script = new vm.Script(readFileSync(filename, 'latin1'), {
    filename,
    cachedData: !makeCache && existsSync(cache) ? readFileSync(cache) : undefined,
  });
  if (!makeCache) for (const flag of SHORT_RUN) v8.setFlagsFromString(flag);
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, createRequire(filename), bundle, filename);
  const done = bundle.exports.run(process.argv);
  if (makeCache) done.then(() => require('node:fs').writeFileSync(makeCache, script.createCachedData()));
} else {
  console.error('ebpf-emu: not built yet; run `npm install` (or `npm run build`) in its folder');
  process.exitCode = 1;
}
