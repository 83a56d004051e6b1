/** What `strace -ff -o FILE` writes, a file a task, against what `strace-log-merge FILE` makes of it, and `strace -f`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TraceStep } from '../../kernel-sim/index.ts';
import { FileError } from '../../src/index.ts';
import { openRecording, type RecordingStream, readStrace } from '../../src/replay/index.ts';

/** strace 6.1 -ff -tt -o trace bash -c '(echo a) & wait', most lines taken out */
const SHELL = `23:59:59.990001 execve("/usr/bin/bash", ["bash", "-c", "(echo a) & wait"], 0x7ffd /* 3 vars */) = 0
23:59:59.999802 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f4c01b0ba10) = 18920
00:00:00.000402 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 18920
00:00:00.003377 --- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=18920, si_uid=0, si_status=0, si_utime=0, si_stime=0} ---
00:00:00.003650 exit_group(0)           = ?
00:00:00.003702 +++ exited with 0 +++
`;
const CHILD = `00:00:00.000101 getpid()                = 18920
00:00:00.001501 write(1, "a\\n", 2)       = 2
00:00:00.002501 exit_group(0)           = ?
00:00:00.002702 +++ exited with 0 +++
`;
const STACK = ' > /usr/lib/x86_64-linux-gnu/libc.so.6(__write+0x10) [0xf81a0]\n';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'output-files-'));
});
afterEach(() => rmSync(directory, { recursive: true }));
const put = (name: string, text: string): void => writeFileSync(join(directory, name), text);

async function stepsOf(stream: RecordingStream): Promise<TraceStep[]> {
  const steps: TraceStep[] = [];
  for (;;) {
    const step = stream.next();
    if (step === undefined) return steps;
    if (step === 'wait') await stream.ready();
    else steps.push(step);
  }
}
/** The calls of a recording: by whom, which. */
const calls = (steps: readonly TraceStep[]): string[] =>
  steps.flatMap((step) => (step.kind === 'call' ? [`${step.pid} ${step.name}`] : []));
const merged = (text: string): TraceStep[] => [...readStrace(text).trace.steps];
const opened = (name = 'trace'): Promise<TraceStep[]> => stepsOf(openRecording(join(directory, name)));
const withPid = (pid: number, text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => `${pid} ${line}`);

describe('strace -ff', () => {
  it('merges by time, past midnight', async () => {
    put('trace.18919', SHELL);
    put('trace.18920', CHILD);
    put('trace.18920.bak', 'something else\n');
    const [a, b] = [withPid(18919, SHELL), withPid(18920, CHILD)];
    const expected = merged([a[0], a[1], b[0], a[2], b[1], b[2], b[3], a[3], a[4], a[5], ''].join('\n'));
    const steps = await opened();
    expect(steps.filter((step) => step.kind !== 'task')).toEqual(expected);
    expect(calls(steps)).toEqual([
      '18919 execve',
      '18919 clone',
      '18920 getpid',
      '18919 wait4',
      '18920 write',
      '18920 exit_group',
      '18919 exit_group',
    ]);
  });
  it('puts a task behind the call that made it, where there are no times', async () => {
    const bare = (text: string): string => text.replace(/^\S+ /gm, '');
    put('trace.18919', bare(SHELL));
    put('trace.18920', bare(CHILD));
    put('trace.7', 'getppid()                               = 1\n+++ exited with 0 +++\n');
    expect(calls(await opened())).toEqual([
      '7 getppid',
      '18919 execve',
      '18919 clone',
      '18920 getpid',
      '18920 write',
      '18920 exit_group',
      '18919 wait4',
      '18919 exit_group',
    ]);
  });
  it('leaves the frames of -k with their call', async () => {
    put('trace.18919', SHELL);
    put('trace.18920', CHILD.replace('= 2\n', `= 2\n${STACK}`));
    const [a, b] = [withPid(18919, SHELL), withPid(18920, CHILD)];
    b[1] += `\n${STACK.trimEnd()}`;
    const expected = merged([a[0], a[1], b[0], a[2], b[1], b[2], b[3], a[3], a[4], a[5], ''].join('\n'));
    expect((await opened()).filter((step) => step.kind !== 'task')).toEqual(expected);
    expect(JSON.stringify(expected)).toContain('__write');
  });
  it('goes back to the beginning', async () => {
    put('trace.18919', SHELL);
    put('trace.18920', CHILD);
    const stream = openRecording(join(directory, 'trace'));
    const first = await stepsOf(stream);
    await stream.seek(0);
    expect(await stepsOf(stream)).toEqual(first);
  });
  it('prefers the file of that name, and says what is missing where there is none', async () => {
    put('trace', 'getuid()                                = 0\n');
    put('trace.18919', SHELL);
    expect(calls(await opened()).map((call) => call.split(' ')[1])).toEqual(['getuid']);
    expect(() => openRecording(join(directory, 'other'))).toThrow(FileError);
  });
});
