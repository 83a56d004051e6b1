/** Recordings that arrive while they are replayed: pipes, and files that grow. */
import { spawn, spawnSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';
import { command, installed } from '../support/process.ts';

const open = (n: number): string => `7 ${n}.5 openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3\n`;
const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-test-'));

let program = '';
beforeAll(async () => {
  program = command(await installed());
}, 60_000);

/** A run of its own, whose output is looked at while it goes on. */
function start(...args: string[]) {
  const child = spawn(process.execPath, [program, 'load', 'fixtures/hello.o', ...args]);
  const run = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => (run.stdout += chunk));
  child.stderr.on('data', (chunk) => (run.stderr += chunk));
  const hellos = (): number => run.stdout.match(/Hello, World!/g)?.length ?? 0;
  return {
    child,
    run,
    /** when so many lines have been printed */
    until: async (count: number): Promise<void> => {
      while (hellos() < count && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(hellos(), run.stderr).toBe(count);
    },
    ended: new Promise<number | null>((resolve) => child.on('close', resolve)),
  };
}

describe('standard input', () => {
  it('is replayed while it is written', async () => {
    const { child, run, until, ended } = start('--replay', '-');
    child.stdin.write(open(1) + open(2));
    // the line that may still get a stack is the last one
    await until(1);
    child.stdin.write(`${open(3)}junk\n`);
    await until(3);
    child.stdin.end();
    expect(await ended).toBe(0);
    expect(run.stderr).toContain('standard input, line 4: not a line of strace: junk');
    expect(run.stderr).toMatch(/^done +4 steps of 1 task: 3 system calls, 3 lines of trace_pipe in [\d.]+ ms$/m);
  });

  it('that holds no call is refused at its end', async () => {
    const { child, run, ended } = start('--replay', '-');
    child.stdin.end('junk\n');
    expect(await ended).toBe(1);
    expect(run.stderr).toContain('standard input: no line of it is a system call');
  });
});

describe('--follow', () => {
  it('waits for the file to grow, until it is interrupted', async () => {
    const file = join(folder, 'growing.strace');
    writeFileSync(file, open(1) + open(2));
    const { child, run, until, ended } = start('--replay', file, '--follow');
    await until(1);
    appendFileSync(file, open(3) + open(4));
    await until(3);
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(run.stderr).toMatch(/^done +interrupted after 3 system calls, 3 lines of trace_pipe/m);
  });

  it('needs a file', async () => {
    const { stderr, code } = await cli('load', 'fixtures/hello.o', '--follow');
    expect([code, stderr]).toEqual([1, expect.stringContaining('name it with --replay')]);
  });
});

/** Whether this host lets strace trace (containers may not). */
const canTrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0;

describe.skipIf(!canTrace)('a command behind --', () => {
  it('is replayed while it runs, and its output passes', async () => {
    const { run, ended } = start('--', 'sh', '-c', 'cat LICENSE | head -n 1');
    expect(await ended).toBe(0);
    expect(run.stdout).toContain('MIT License');
    // what it opened: the loader's cache and libraries, and the file
    expect(run.stdout.match(/ cat-\d+ .*Hello, World!/g)?.length).toBeGreaterThan(1);
    expect(run.stderr).toMatch(/^done +\d+ steps of 3 tasks: /m);
  });
});

it('a command that cannot be run is named, and so is one that is not there', async () => {
  const none = await cli('load', 'fixtures/hello.o', '--');
  expect([none.code, none.stderr.split('\n')[0]]).toEqual([2, 'error: there is no command behind --']);
  if (!canTrace) return;
  const { code, stderr } = await cli('load', 'fixtures/hello.o', '--', '/no/such/command');
  expect(code).toBe(1);
  expect(stderr).toMatch(/^ebpf-emu: \/no\/such\/command: strace could not run it/m);
});

it('--speed says so where the recording has no times', async () => {
  const path = join(folder, 'untimed.strace');
  writeFileSync(path, '7 openat(AT_FDCWD, "/a", O_RDONLY) = 3\n'.repeat(2));
  const { stderr } = await cli('load', 'fixtures/hello.o', '--replay', path, '--speed', '1');
  expect(stderr).toMatch(/has no times, so --speed changed nothing/);
});

it('a command and a recording are not both replayed', async () => {
  const { stderr, code } = await cli('load', 'fixtures/hello.o', '--replay', 'x', '--', 'true');
  expect([code, stderr]).toEqual([1, expect.stringContaining('not both')]);
});

it('--speed gives the same events, in their time', async () => {
  const { stdout, code } = await cli('load', 'fixtures/hello.o', '--speed', '2');
  expect(code).toBe(0);
  expect(stdout).toBe((await cli('load', 'fixtures/hello.o')).stdout);
  expect((await cli('load', 'fixtures/hello.o', '--speed', '0')).code).toBe(2);
});

describe('lists', () => {
  it('of what a replay hits have the kinds in front, and patterns find names', async () => {
    const { stdout } = await cli('probes', 'vfs_re*');
    expect(stdout.split('\n')).toContain('kprobe:vfs_read');
    const events = (await cli('probes', 'tracepoint:sched:*')).stdout.trim().split('\n');
    expect(events).toContain('tracepoint:sched:sched_switch');
    expect(events.every((line) => line.startsWith('tracepoint:sched:'))).toBe(true);
  });

  it('of symbols say what each takes, and which nothing comes to', async () => {
    const { stdout } = await cli('symbols', 'vfs_re*');
    expect(stdout).toMatch(/^ffffffff81[0-9a-f]{6} vfs_read \d+ kprobe,fentry$/m);
    expect(stdout).toMatch(/^ffffffff81[0-9a-f]{6} vfs_remove_acl \d+ kprobe,fentry \(never hit\)$/m);
    expect((await cli('symbols', 'vfs_reed')).stderr).toContain('near it: vfs_read');
  });
});
