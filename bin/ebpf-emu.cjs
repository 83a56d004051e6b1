#!/usr/bin/env node
'use strict';
// Starts the bundled command line. The bundle is compiled from V8's code cache where the build left
// one that this Node accepts: most of a short run's time would else go into compiling.
const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');
const vm = require('node:vm');
const { crc32 } = require('node:zlib');

const filename = join(__dirname, '..', 'dist', 'cli.cjs');
/** The build asks for the cache after a run, when the functions that a run needs are compiled. */
const makeCache = process.env.EBPF_EMU_CODE_CACHE;

/**
 * What stands before the cache. V8 itself checks little of it and ends the process where bytes were changed, so
 * a cache for another bundle, Node or processor is not shown to it, nor one whose check sum (RFC 1952 8) is wrong.
 */
const header = (source, cache) =>
  `ebpf-emu code cache, ${process.version} ${process.platform} ${process.arch}, ${crc32(source)} ${crc32(cache)}\n`;

/** The cache that the build left, or undefined where it cannot be used: the start is slower then. */
function readCache(source) {
  if (makeCache || !crc32) return undefined;
  try {
    const bytes = readFileSync(join(__dirname, '..', 'dist', 'cli.cache'));
    const at = bytes.indexOf('\n') + 1;
    const cache = bytes.subarray(at);
    return bytes.latin1Slice(0, at) === header(source, cache) ? cache : undefined;
  } catch {
    return undefined;
  }
}

if (existsSync(filename)) {
  // the bundle is one function expression in ASCII: nothing is decoded or put together here
  const bytes = readFileSync(filename);
  const script = new vm.Script(bytes.latin1Slice(), { filename, cachedData: readCache(bytes) });
  const bundle = { exports: {} };
  script.runInThisContext()(bundle.exports, createRequire(filename), bundle, filename);
  const done = bundle.exports.run(process.argv);
  if (makeCache && crc32)
    done.then(() => {
      const cache = script.createCachedData();
      writeFileSync(makeCache, Buffer.concat([Buffer.from(header(bytes, cache)), cache]));
    });
} else {
  console.error('ebpf-emu: not built yet; run `npm install` (or `npm run build`) in its folder');
  process.exitCode = 1;
}
