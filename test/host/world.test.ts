/** The door with a real process behind it and a small model: a static program that makes raw system calls. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type FdObject, FdTable } from '../../kernel-sim/core/fds.ts';
import { EPOLLIN } from '../../kernel-sim/core/file-ops.ts';
import { SharedClock } from '../../src/host/clock.ts';
import { supervisorPath } from '../../src/host/compile.ts';
import { environment } from '../../src/host/environment.ts';
import type { Model } from '../../src/host/model.ts';
import { PrivateDir } from '../../src/host/private-dir.ts';
import { startSupervisor } from '../../src/host/supervisor.ts';
import { PREFIXES, World } from '../../src/host/world.ts';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const EBADF = 9;
const EINVAL = 22;

const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const program = join(folder, 'fake');
const hasCompiler =
  process.platform === 'linux' &&
  process.arch === 'x64' &&
  spawnSync('cc', ['-static', '-O1', '-o', program, source('fake.c')]).status === 0;
if (!hasCompiler) console.log('skipped: needs an x86-64 Linux host with a C compiler for a process behind the door');

/** One map of a page; command 1 stores into it what was stored by the process, plus one, and wakes who waits. */
function model(): { readonly model: Model; readonly released: () => boolean } {
  const ram = new Uint8Array(1 << 16);
  const PHYS = 4096;
  ram[PHYS] = 0x42;
  let ready = 0;
  let wake = (): void => {};
  let released = false;
  const map: FdObject = {
    fdName: 'anon_inode:bpf-map',
    poll: () => ready,
    onWake: (tell) => {
      wake = tell;
      return () => {};
    },
    mmap: (_offset, bytes) => ({ pages: [{ phys: PHYS, bytes }], writable: true, unmap: () => {} }),
    release: () => {
      released = true;
    },
  };
  const version = new TextEncoder().encode('Linux version 6.12\n');
  const reading = (): FdObject => {
    let at = 0;
    return {
      fdName: '/proc/version',
      read: (n) => version.slice(at, (at += Math.min(n, version.length - at))),
    };
  };
  const none = -2;
  return {
    released: () => released,
    model: {
      release: '6.12.117+deb12-amd64',
      version: '#1 SMP PREEMPT_DYNAMIC',
      devices: { byIndex: () => undefined, named: () => undefined },
      route: () => {
        throw new Error('not asked for');
      },
      ram,
      files: {
        has: (path) => path === '/proc/version',
        open: () => reading(),
        stat: () => none,
        access: () => none,
        readdir: () => none,
        readlink: () => none,
        mkdir: () => none,
        rmdir: () => none,
        unlink: () => none,
        symlink: () => -1,
        mounted: () => [],
        statfs: () => none,
      },
      bpf: (cmd, _at, size, caller) => {
        if (cmd === 0) return caller.fds.install(map);
        if (cmd === 2) return [...caller.fds.entries()].length === 1 ? 0 : -EBADF;
        // the size of the attributes stands for a descriptor
        if (cmd === 3) return caller.fds.find(size) === map ? 0 : -EBADF;
        if (cmd !== 1) return -EINVAL;
        const view = new DataView(ram.buffer, PHYS);
        view.setUint32(16, view.getUint32(8, true) + 1, true);
        ready = EPOLLIN;
        wake();
        return 0;
      },
      perfEventOpen: () => -EINVAL,
      processes: [],
      takeMissing: () => [],
    },
  };
}

async function run(command: readonly string[]) {
  const { model: of, released } = model();
  const base = new FdTable();
  const out = join(folder, 'out');
  const told: string[] = [];
  const dir = new PrivateDir();
  const clock = new SharedClock(
    { now: 600e9, pass: () => {}, bootRealtime: 1_700_000_000_000_000_000n },
    join(dir.path, 'clock'),
  );
  const { process: child, exited } = startSupervisor(
    {
      path: supervisorPath(source('../../src/host/native')),
      command: ['sh', '-c', `exec "$@" >${out} 2>&1`, 'sh', ...command],
      env: environment(process.env, dir),
      prefixes: PREFIXES,
      dir: dir.path,
      seesSleeps: false,
    },
    'pipe',
  );
  const world = new World(
    {
      model: of,
      table: (first) => base.sibling(first),
      dir,
      clock,
      onMissing: (what) => told.push(what),
      onIdle: () => {},
      onSleep: () => undefined,
      onEnd: () => {},
    },
    child.stdio[3] as Duplex,
  );
  const code = await exited;
  world.close();
  clock.close();
  dir.remove();
  return { code, out: readFileSync(out, 'utf8'), told, released: released() };
}

describe.skipIf(!hasCompiler)('a process of the host', () => {
  it('is answered by the model where it asks about BPF', async () => {
    const { code, out, told, released } = await run([program]);
    expect(out).toBe(
      [
        'uname 6.12.117+deb12-amd64 uid 0',
        'mapped 42',
        'before 0',
        'stored 0',
        'after 1, seen 1235',
        'copy is the next: 1',
        'read 19 Linux version 6.12',
        'child 0',
        'closed 0',
        'gone -1 Bad file descriptor',
        'low 0, passed over a socket 0, another file -1',
        'time 6.. since 170000000., vdso 0, until 1 1',
        '',
      ].join('\n'),
    );
    expect({ code, told, released }).toEqual({ code: 7, told: [], released: true });
  });

  it('ends with its own exit code, or the one of a command that is not there', async () => {
    expect((await run(['sh', '-c', 'exit 5'])).code).toBe(5);
    expect((await run(['no-such-command'])).code).toBe(127);
  });

  it('ends with the emulator, and its private folder with it', async () => {
    const dir = new PrivateDir();
    const { process: child, exited } = startSupervisor(
      {
        path: supervisorPath(source('../../src/host/native')),
        command: ['sleep', '60'],
        env: environment(process.env, dir),
        prefixes: PREFIXES,
        dir: dir.path,
        seesSleeps: false,
      },
      'pipe',
    );
    expect(existsSync(join(dir.path, 'bin'))).toBe(true);
    // as a socket ends whose process was killed
    (child.stdio[3] as Duplex).destroy();
    await exited;
    expect(existsSync(dir.path)).toBe(false);
  });

  it('needs no sudo', async () => {
    expect((await run(['sudo', '-u', 'root', 'uname', '-r'])).out).toMatch(/sudo is not needed here.*\n6\.12\.117/);
  });
});
