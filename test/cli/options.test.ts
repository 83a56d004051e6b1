/** Options mean what the help says; what cannot be meant is a wrong command line. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeObject } from '../../src/elf/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { cli } from '../support/cli.ts';
import { command, installed } from '../support/process.ts';

const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Programs that do nothing, one a section. */
function object(...sections: string[]): string {
  const data = writeInsns(assemble('r0 = 0\nexit').insns);
  const path = join(folder, `${sections.length}.o`);
  writeFileSync(
    path,
    writeObject([
      ...sections.map((name, n) => ({
        name,
        data,
        exec: true,
        symbols: [{ name: `prog${n}`, value: 0, size: data.length }],
      })),
      { name: 'license', data: Buffer.from('GPL\0'), exec: false, symbols: [{ name: 'L', value: 0, size: 4 }] },
    ]),
  );
  return path;
}

describe('numbers', () => {
  it.each([
    ['load', 'fixtures/hello.o', '--max-insns', 'many'],
    ['load', 'fixtures/hello.o', '--max-insns', '0'],
    ['prog', 'run', 'fixtures/xdp_count.o', '--repeat', '1.5'],
    ['verify', 'fixtures/hello.o', '--log-level', '-1'],
  ])('%s %s %s %s', async (...args) => {
    const { code, stderr } = await cli(...args);
    expect(code).toBe(2);
    expect(stderr).toMatch(/whole number|unknown option/);
  });
});

describe('-p', () => {
  it('stands before the file as well, again or with commas', async () => {
    const path = object('kprobe/do_sys_openat2', 'kprobe/vfs_read', 'tp/syscalls/sys_enter_close');
    const verified = async (...args: string[]) =>
      [...(await cli(...args)).stderr.matchAll(/^verify {2}(\w+):/gm)].map((m) => m[1]);
    expect(await verified('load', '-p', 'prog1', path)).toEqual(['prog1']);
    expect(await verified('load', '-p', 'prog0', '-p', 'prog2', path)).toEqual(['prog0', 'prog2']);
    expect(await verified('load', path, '-p', 'prog0,prog1')).toEqual(['prog0', 'prog1']);
  });
});

describe('what cannot be attached', () => {
  it('is named with its program, and what is near', async () => {
    const { stderr, code } = await cli('load', object('kprobe/do_sys_openat2', 'kprobe/vfs_raed'));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ebpf-emu: program 'prog1': .*ENOENT: no kernel function vfs_raed; near it: .*vfs_read/m);
  });
  it('fentry: near names of the BTF', async () => {
    const { stderr } = await cli('load', object('fentry/do_sys_openatt2'));
    expect(stderr).toMatch(/has no function 'do_sys_openatt2' to attach to; near it: do_sys_openat2/);
  });
});

describe('ring buffers', () => {
  it('are read while they fill: none is lost in a recording longer than the buffer', async () => {
    const path = join(folder, 'long.strace');
    writeFileSync(path, '100 openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3\n100 close(3) = 0\n'.repeat(1000));
    const { stdout, stderr } = await cli('load', 'fixtures/opensnoop.o', '--replay', path);
    expect(stdout.match(/opens \/etc\/passwd/g)).toHaveLength(1000);
    expect(stderr).toMatch(/^map {5}events: ringbuf, 1000 records of 96 bytes$/m);
  });
});

describe('a closed pipe', () => {
  it.runIf(process.platform !== 'win32')('ends the command without a trace', async () => {
    const program = command(await installed());
    const { stderr } = spawnSync('sh', ['-c', `node ${program} load fixtures/hello.o | head -1`], {
      encoding: 'utf8',
    });
    expect(stderr).not.toMatch(/EPIPE|\n\s+at /);
  });
});
