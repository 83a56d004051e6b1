/** Input of every kind that a shell can give, output that cannot be written, and names that would act on a terminal. */
import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeObject } from '../../src/elf/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { cli } from '../support/cli.ts';
import { command, installed } from '../support/process.ts';

const onUnix = it.skipIf(process.platform === 'win32');
const onLinux = it.skipIf(process.platform !== 'linux');
let folder = '';
let root = '';
let program = '';

/** The command line in a process of its own, by bash where `args` has its signs. */
const shell = (args: string, input?: Uint8Array): SpawnSyncReturns<string> =>
  spawnSync('bash', ['-c', `node ${program} ${args}`], { encoding: 'utf8', ...(input ? { input } : {}) });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
  root = await installed();
  program = command(root);
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
function refused({ stderr, code }: { stderr: string; code: number | null }, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(code).toBe(1);
}

describe('files that cannot be used', () => {
  onLinux('are left at a bound', () => {
    const { stderr, status } = shell('verify /dev/zero');
    refused({ stderr, code: status }, /^ebpf-emu: \/dev\/zero: it has more than 256 MiB/);
  });
  onLinux('say why in one line', async () => {
    const loop = join(folder, 'loop.o');
    symlinkSync(loop, loop);
    refused(await cli('verify', loop), /loop\.o: too many symbolic links \(ELOOP\)/);
    refused(await cli('verify', `${'a'.repeat(300)}.o`), /the name is too long \(ENAMETOOLONG\)/);
    refused(await cli('verify', '/proc/self/mem'), /\/proc\/self\/mem: .*\(EIO\)/);
    refused(
      await cli('prog', 'run', 'fixtures/xdp_count.o', '--data-in', 'fixtures/udp9.hex', '--data-out', '/dev/full'),
      /\/dev\/full: no space left/,
    );
    const { stderr, status } = shell('dump xlated fixtures/hello.o >/dev/full');
    refused({ stderr, code: status }, /no space left on the device \(ENOSPC\)/);
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

/** What starts the bundle. */
describe('the start-up cache', () => {
  const path = (): string => join(root, 'dist/cli.cache');
  let whole: Buffer;
  beforeAll(() => {
    whole = readFileSync(path());
  });
  afterAll(() => {
    rmSync(path(), { recursive: true });
    writeFileSync(path(), whole);
  });
  const start = (change: (cache: Buffer) => Buffer | undefined): SpawnSyncReturns<string> => {
    const changed = change(Buffer.from(whole));
    rmSync(path(), { recursive: true });
    if (changed) writeFileSync(path(), changed);
    else mkdirSync(path());
    return spawnSync(process.execPath, [program, 'asm', '-'], {
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
