/** Input that cannot be used: one clear line, exit code 1; a wrong command line, 2. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeObject } from '../../src/elf/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { cli } from '../support/cli.ts';

let folder = '';
const file = (name: string, bytes: Uint8Array | string): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const object = (section: string, source: string): Uint8Array => {
  const data = writeInsns(assemble(source).insns);
  return writeObject([
    { name: section, data, exec: true, symbols: [{ name: 'prog', value: 0, size: data.length }] },
    { name: 'license', data: Buffer.from('GPL\0'), exec: false, symbols: [{ name: 'LICENSE', value: 0, size: 4 }] },
  ]);
};
const hello = readFileSync('fixtures/hello.o');
const patched = (at: number, byte: number): Uint8Array => {
  const bytes = Uint8Array.from(hello);
  bytes[at] = byte;
  return bytes;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('load refuses in one line', () => {
  it.each<[string, () => string, RegExp]>([
    ['a missing file', () => join(folder, 'nothing.o'), /nothing\.o: no such file/],
    ['a directory', () => folder, /is a directory/],
    ['text', () => file('text.o', 'int x;'), /not an ELF file/],
    ['an object cut off', () => file('cut.o', hello.subarray(0, 300)), /cut off/],
    ["another machine's object", () => file('x86.o', patched(18, 62)), /machine/i],
    ['big-endian', () => file('be.o', patched(5, 2)), /big-endian/],
    ['no program', () => file('none.o', writeObject([])), /no program/],
    ['an unknown section', () => file('odd.o', object('strange/x', 'r0 = 0\nexit')), /section strange\/x/],
    [
      'an unknown function',
      () => file('near.o', object('kprobe/do_sys_openatt2', 'r0 = 0\nexit')),
      /do_sys_openatt2; near it: do_sys_openat2/,
    ],
  ])('%s', async (_, path, message) => {
    const { stderr, stdout, code } = await cli('load', path());
    expect(code).toBe(1);
    expect(stdout).toBe('');
    const lines = stderr.split('\n').filter((line) => line.startsWith('ebpf-emu:'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it("what the verifier refuses: the verifier's words, the instruction, the C line, and why", async () => {
    const { stderr, code } = await cli('load', 'fixtures/rejected.o');
    expect(code).toBe(1);
    expect(stderr).toContain("R0 invalid mem access 'map_value_or_null'");
    expect(stderr).toContain('*n += 1; @ rejected.c:20');
    expect(stderr).toContain('8: r1 = *(u64 *)(r0 +0)');
    expect(stderr).toContain('may be NULL');
  });

  it('an unknown helper, by its number', async () => {
    const { stderr, code } = await cli('load', file('helper.o', object('kprobe/do_sys_openat2', 'call 999\nexit')));
    expect(code).toBe(1);
    expect(stderr).toContain('invalid func unknown#999');
  });
});

describe('a wrong command line ends with 2', () => {
  it.each([[['load']], [['load', 'x.o', '--engine', 'fast']], [['nonsense']], [['dump', 'all', 'x.o']]])(
    '%j',
    async (args) => {
      expect((await cli(...args)).code).toBe(2);
    },
  );
});
