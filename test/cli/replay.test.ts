/** Recordings that arrive while they are replayed: pipes, and files that grow. */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cli } from '../support/cli.ts';

const open = (n: number): string => `7 ${n}.5 openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3\n`;
const folder = mkdtempSync(join(tmpdir(), 'ebpf-emu-test-'));

/** A run of its own, whose output is looked at while it goes on. */
function start(...args: string[]) {
  const child = spawn(process.execPath, [
    '--import',
    'tsx',
    'test/support/main.ts',
    'load',
    'fixtures/hello.o',
    ...args,
  ]);
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
