#!/usr/bin/env node
'use strict';
// Starts the bundled command line. The bundle is compiled from V8's code cache where the build left
// one that this Node accepts: most of a short run's time would else go into compiling.
const { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const vm = require('node:vm');

const filename = join(__dirname, '..', 'dist', 'cli.cjs');
/** The build asks for the cache after a run, when the functions that a run needs are compiled. */
const makeCache = process.env.EBPF_EMU_CODE_CACHE;

/**
 * These say themselves (src/cli/optimiser.ts) when V8 is to optimise as usual. Until then it would with what is executed
 * once, when the bundle is.
 */
const SHORT = new Set(['load', 'run', 'tui']);
const PATIENCE = '--interrupt-budget=300000';
/**
 * What a start makes it keeps. V8 begins with a young generation of 1 MiB and doubles it when that much survived, which
 * is ten collections that free little; it grows to its usual size at once instead.
 */
const YOUNG = '--semi-space-growth-factor=16';

/** What stands before the cache, which V8 would copy where it is not aligned. */
const HEADER = 256;
const PAGE = 65536;

/**
 * What this computes over memory from 0 to `end`, so that a check of megabytes takes a millisecond (zlib's crc32 is
 * as quick, but Node loads its streams for it):
 *
 *     (func (export "sum") (param $end i32) (result i32) (local $sum i64) (local $at i32)
 *       (loop $next
 *         (local.set $sum (i64.rotl (i64.mul (i64.add (local.get $sum) (i64.load (local.get $at)))
 *                                            (i64.const 0x9e3779b97f4a7c15)) (i64.const 31)))
 *         (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
 *       (i32.wrap_i64 (i64.xor (local.get $sum) (i64.shr_u (local.get $sum) (i64.const 32)))))
 */
const SUM =
  'AGFzbQEAAAABBgFgAX8BfwIIAQFtAW0CAAADAgEABwcBA3N1bQAACjkBNwIBfgF/A0AgASACKQMAfEKV+Kn6l7fem55/fkIfiSEBIAJBCGoiAiAASQ0ACyABIAFCIIiFpws=';

/** Memory for so many bytes, and their sum. */
function summable(length) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(length / PAGE) });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(SUM, 'base64')), {
    m: { m: memory },
  });
  return { bytes: Buffer.from(memory.buffer, 0, length), sum: () => exports.sum(length) };
}

/**
 * V8 itself checks little of a cache and ends the process where bytes were changed, so one for another bundle, Node or
 * processor is not shown to it, nor one whose check sum is wrong. The bundle ends with a name of its own contents.
 */
const header = (source, sum) =>
  `ebpf-emu code cache, ${process.version} ${process.platform} ${process.arch}, ${source.latin1Slice(source.length - 64).trim()} ${sum}\n`;

/** The cache that the build left, or undefined where it cannot be used: the start is slower then. */
function readCache(source) {
  if (makeCache) return undefined;
  let fd;
  try {
    fd = openSync(join(__dirname, '..', 'dist', 'cli.cache'));
    const { bytes, sum } = summable(fstatSync(fd).size - HEADER);
    const before = Buffer.alloc(HEADER);
    readSync(fd, before, 0, HEADER, 0);
    if (readSync(fd, bytes, 0, bytes.length, HEADER) !== bytes.length) return undefined;
    return before.latin1Slice().trimEnd() === header(source, sum()).trimEnd() ? bytes : undefined;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function writeCache(source, cache) {
  const { bytes, sum } = summable(cache.length);
  bytes.set(cache);
  writeFileSync(makeCache, Buffer.concat([Buffer.from(header(source, sum()).padEnd(HEADER)), cache]));
}

if (existsSync(filename)) {
  // the bundle is one function expression in ASCII: nothing is decoded or put together here
  const bytes = readFileSync(filename);
  const script = new vm.Script(bytes.latin1Slice(), { filename, cachedData: readCache(bytes) });
  const bundle = { exports: {} };
  if (SHORT.has(process.argv[2]) && !makeCache && Number.parseInt(process.versions.v8, 10) < 12)
    for (const flag of [PATIENCE, YOUNG]) require('node:v8').setFlagsFromString(flag);
  script.runInThisContext()(bundle.exports, require, bundle, filename);
  if (!makeCache) bundle.exports.run(process.argv);
  else bundle.exports.rehearse(process.argv).then(() => writeCache(bytes, script.createCachedData()));
} else {
  console.error('ebpf-emu: not built yet; run `npm install` (or `npm run build`) in its folder');
  process.exitCode = 1;
}
