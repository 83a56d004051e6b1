/** Options that stand for what a loader of the object's own would do. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeObject } from '../../src/elf/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { cli } from '../support/cli.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function object(name: string, ...sections: readonly string[]): string {
  const data = writeInsns(assemble('r0 = 2\nexit').insns);
  const path = join(folder, name);
  const parts = sections.map((section, n) => ({
    name: section,
    data,
    exec: true,
    symbols: [{ name: `prog${n}`, value: 0, size: data.length }],
  }));
  writeFileSync(
    path,
    writeObject([...parts, { name: 'license', data: Buffer.from('GPL\0'), exec: false, symbols: [] }]),
  );
  return path;
}

describe('a type and a place by option', () => {
  it('verifies and runs what its section does not name', async () => {
    const silent = object('silent.o', 'mine');
    expect((await cli('verify', silent)).stderr).toContain('section mine does not say');
    expect(await cli('verify', silent, '--type', 'xdp')).toMatchObject({ code: 0 });
    const run = await cli('prog', 'run', silent, '--type', 'xdp', '--data-in', 'fixtures/udp9.hex');
    expect(run.stdout).toContain('Return value: 2');
    const load = await cli('load', silent, '--type', 'kprobe', '--attach', 'do_sys_openat2');
    expect(load.stderr).toContain('attach  prog0: kprobe on do_sys_openat2');
    expect(load.code).toBe(0);
    const wrong = await cli('verify', silent, '--type', 'tracing');
    expect(wrong.stderr).toMatch(/^ebpf-emu: --type: tracing programs need an attach type: /);
    expect(wrong.code).toBe(1);
  });
});

describe('sizes and globals', () => {
  it('are set', async () => {
    const sized = await cli('load', 'fixtures/opens.o', '--map', 'counts=1');
    // the second task finds the map full
    expect(sized.stderr).toContain('counts: hash, 1 entry');
    expect((await cli('verify', 'fixtures/opens.o', '--map', 'counts')).stderr).toContain(
      '--map counts: it takes NAME=',
    );
    expect((await cli('verify', 'fixtures/opens.o', '--map', 'count=3')).stderr).toContain(
      "no map 'count'; near it: counts",
    );
    expect((await cli('verify', 'fixtures/opens.o', '--set', 'limit=3')).stderr).toContain('no such global');
  });

  it('sets globals by their own kind, where the verifier and the program see them', async () => {
    const run = (...set: string[]) =>
      cli('prog', 'run', 'fixtures/dead.o', '--data-in', 'fixtures/udp9.hex', ...set.flatMap((s) => ['--set', s]));
    expect((await run()).stdout).toContain('Return value: 1,');
    // a branch that is dead no more: 1000 and one of the length
    expect((await run('verbose=1')).stdout).toContain('Return value: 1001,');
    expect((await run('hits=41')).stdout).toContain('Return value: 42,');
    expect((await run('hits=-0x2')).stdout).toContain('Return value: 4294967295,');
    expect((await run('hits=4294967296')).stderr).toContain('4294967296 does not fit the 32 bits of hits');
    expect((await run('hits=much')).stderr).toContain("--set hits: 'much' is no whole number");
  });

  it('gives maps of maps their inner maps, which hold none themselves', async () => {
    const fill = (...more: string[]) => cli('verify', 'fixtures/kinds.o', '-p', 'fill', ...more);
    expect(await fill('--inner', 'outer=inner_one')).toMatchObject({ code: 0 });
    // its first slot holds an array of four bytes a value, and hashes are of another shape
    expect((await fill('--inner', 'outer=raw')).stderr).toContain("EINVAL: array_of_maps map 'outer'");
    expect((await fill('--inner', 'colours=raw')).stderr).toContain("map 'colours' (array): it holds no maps");
    expect((await fill('--inner', 'outer=outer')).stderr).toContain('a map of maps is no inner map');
  });

  it('memory', async () => {
    expect(await cli('verify', 'fixtures/hello.o', '--memory', '256M')).toMatchObject({ code: 0 });
    expect(await cli('verify', 'fixtures/hello.o', '--memory', '1T')).toMatchObject({ code: 2 });
  });
});

it('a device has one program of XDP: the others of an object are passed over', async () => {
  const path = object('several.o', 'xdp', 'xdp.frags', 'xdp');
  const { stdout, stderr, code } = await cli('load', path);
  expect(code).toBe(0);
  expect(stdout + stderr).toMatch(/attach +prog0: xdp lo/);
  expect(stderr.match(/passed over: program 'prog[12]': .*EBUSY: lo has an XDP program already/g)).toHaveLength(2);
  expect(stderr).not.toMatch(/not attached/);
  expect((await cli('load', path, '-p', 'prog2')).stderr).toMatch(/attach +prog2: xdp lo/);
});

describe('--keep-going', () => {
  it('passes over programs whose target is absent, and names them', async () => {
    const three = object('three.o', 'fentry/no_such_function', 'kprobe/not_there_either', 'kprobe/do_sys_openat2');
    expect(await cli('load', three)).toMatchObject({ code: 1 });
    const { stderr, code } = await cli('load', three, '--keep-going');
    expect(code).toBe(0);
    expect(stderr).toMatch(/^done .*; passed over 2 programs: prog0, prog1$/m);
    expect(stderr).toContain('attach  prog2: kprobe on do_sys_openat2');
    const verify = await cli('verify', three, '--keep-going');
    expect(verify.stderr).toMatch(/^prog0: passed over: .*no_such_function/m);
    expect(verify.code).toBe(0);
  });
});

describe.skipIf(process.platform === 'win32')('C that clang refuses', () => {
  it("shows clang's own words", async () => {
    const clang = join(folder, 'clang');
    const words = 'prog.c:3:9: error: expected expression\n    3 |   return ;\n';
    writeFileSync(clang, `#!/bin/sh\n[ "$1" = --version ] && exit 0\nprintf '%s' "${words}" >&2\nexit 1\n`, {
      mode: 0o755,
    });
    const source = join(folder, 'prog.c');
    writeFileSync(source, 'int main() {\n\n  return ;\n}\n');
    const { stderr, code } = await cli('load', source, '--clang', clang);
    expect(stderr).toBe(`${words}ebpf-emu: ${source}: clang did not compile it\n`);
    expect(code).toBe(1);
  });
});
