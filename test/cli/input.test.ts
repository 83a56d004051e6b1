/** Input of every kind that a shell can give, output that cannot be written, and names that would act on a terminal. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DATA, dataFiles } from '../../bin/browser.mjs';
import { writeObject } from '../../src/elf/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { cli } from '../support/cli.ts';

const onUnix = it.skipIf(process.platform === 'win32');
const onLinux = it.skipIf(process.platform !== 'linux');
let folder = '';
let program = '';

/** The command line in a process of its own, by bash where `command` has its signs. */
const shell = (command: string, input?: Uint8Array): SpawnSyncReturns<string> =>
  spawnSync('bash', ['-c', `node ${program} ${command}`], { encoding: 'utf8', ...(input ? { input } : {}) });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
  program = join(folder, 'main.mjs');
  const { outputFiles } = buildSync({
    stdin: { contents: "import { run } from './src/cli/main.ts'; run(process.argv);", resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    packages: 'external',
  });
  writeFileSync(program, outputFiles[0]?.contents ?? '');
  mkdirSync(join(folder, 'data'));
  for (const name of dataFiles) cpSync(join(DATA, name), join(folder, 'data', name));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe('input that can be read only once', () => {
  const hello = readFileSync('fixtures/hello.o');
  it.each([
    ['verify -', 'hello: accepted'],
    ['dump xlated -', 'exit'],
    ['dump btf -', "FUNC 'hello'"],
  ])('%s', (command, output) => {
    const { stdout, stderr, status } = shell(command, hello);
    expect(stdout + stderr).toMatch(new RegExp(output));
    expect(status).toBe(0);
  });

  onUnix('pipes in place of files', () => {
    const run = shell('prog run <(cat fixtures/xdp_count.o) --data-in <(cat fixtures/udp9.hex)');
    expect(run.stdout).toContain('Return value: 1');
    const raw = shell('prog run --data-in fixtures/udp9.hex /dev/stdin', writeInsns(assemble('r0 = 7\nexit').insns));
    expect(raw.stdout).toContain('Return value: 7');
  });
});

/** One line on stderr that says what is wrong, exit 1. */
function refused({ stderr, status }: SpawnSyncReturns<string>, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(status).toBe(1);
}

describe('files that cannot be used', () => {
  onLinux('have an end, or are left at a bound', () => {
    refused(shell('verify /dev/zero'), /^ebpf-emu: \/dev\/zero: it has more than 256 MiB/);
    const endless = shell('load fixtures/hello.o --replay <(yes)');
    expect(endless.stderr).toMatch(/^ebpf-emu: the recording goes on without a system call/m);
    expect(endless.stderr).not.toContain('MaxListeners');
    expect(endless.status).toBe(1);
  });
  it('that are gzip of too much', () => {
    const bomb = join(folder, 'bomb.gz');
    // members behind each other unpack as one (RFC 1952 section 2.2)
    writeFileSync(bomb, Buffer.concat(Array(513).fill(gzipSync(new Uint8Array(1 << 20)))));
    refused(shell(`verify fixtures/hello.o --btf ${bomb}`), /bomb\.gz: .*unpacks to more than 536870912 bytes/);
  });
  onLinux('say why in one line', () => {
    const loop = join(folder, 'loop.o');
    symlinkSync(loop, loop);
    refused(shell(`verify ${loop}`), /loop\.o: too many symbolic links \(ELOOP\)/);
    refused(shell(`verify ${'a'.repeat(300)}.o`), /the name is too long \(ENAMETOOLONG\)/);
    refused(shell('verify /proc/self/mem'), /\/proc\/self\/mem: .*\(EIO\)/);
    refused(shell('dump xlated fixtures/hello.o >/dev/full'), /no space left on the device \(ENOSPC\)/);
    refused(
      shell('prog run fixtures/xdp_count.o --data-in fixtures/udp9.hex --data-out /dev/full'),
      /\/dev\/full: no space left/,
    );
  });
});

describe('names of a file', () => {
  it('do not act on the terminal', async () => {
    const data = writeInsns(assemble('r0 = 0\nexit').insns);
    const path = join(folder, 'evil.o');
    const evil = '\x1b[2J\x07\x9bmx';
    writeFileSync(
      path,
      writeObject([
        { name: `socket${evil}`, data, exec: true, symbols: [{ name: `prog${evil}`, value: 0, size: data.length }] },
        { name: 'license', data: Buffer.from('GPL\0'), exec: false, symbols: [] },
      ]),
    );
    for (const command of [['load'], ['inspect'], ['dump', 'elf'], ['dump', 'xlated'], ['verify'], ['prog', 'run']]) {
      const { all } = await cli(...command, path);
      expect(all).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
    }
    expect((await cli('inspect', path)).stdout).toContain('prog\\x1b[2J\\x07\\x9bmx');
  });
});

/** What starts the bundle: where a build is. */
describe.skipIf(!existsSync('dist/cli.cache'))('the start-up cache', () => {
  let root = '';
  beforeAll(() => {
    root = join(folder, 'installed');
    for (const part of ['bin', 'dist/cli.cjs', 'dist/cli.cache', 'dist/data', 'package.json'])
      cpSync(part, join(root, part), { recursive: true });
  });
  const start = (change: (cache: Buffer) => Buffer | undefined): SpawnSyncReturns<string> => {
    const cache = join(root, 'dist/cli.cache');
    const changed = change(readFileSync('dist/cli.cache'));
    rmSync(cache, { recursive: true });
    if (changed) writeFileSync(cache, changed);
    else mkdirSync(cache);
    return spawnSync(process.execPath, [join(root, 'bin/ebpf-emu.cjs'), 'asm', '-'], {
      encoding: 'utf8',
      input: 'exit',
    });
  };
  const flipped = (at: (length: number) => number) => (cache: Buffer) => {
    const n = at(cache.length);
    cache[n] = (cache[n] as number) ^ 0x55;
    return cache;
  };
  it.each<[string, (cache: Buffer) => Buffer | undefined]>([
    ['as it was built', (cache) => cache],
    ['with a byte flipped in the middle', flipped((length) => length >> 1)],
    ['cut off', (cache) => cache.subarray(0, cache.length >> 1)],
    [
      'of another version',
      (cache) => Buffer.from(cache.toString('latin1').replace(process.version, 'v18.0.0'), 'latin1'),
    ],
    ['unreadable', () => undefined],
  ])('%s', (_, change) => {
    expect(start(change)).toMatchObject({ stdout: '9500000000000000\n', stderr: '', status: 0 });
  });
});
