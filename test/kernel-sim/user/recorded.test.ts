/** Functions that recordings name: probes on them fire with the arguments and results that were recorded. */
import { describe, expect, it } from 'vitest';
import { AnyParser, recordingOf } from '../../../src/replay/index.ts';
import { home, load, worldWith } from './world.ts';

async function replayed(text: string, object = 'uprobes'): Promise<string[]> {
  const kernel = await worldWith();
  load(kernel, object).attach();
  const result = await kernel.replay(recordingOf(Buffer.from(text)));
  expect(result).toMatchObject({ stopped: undefined, oopses: [] });
  return kernel.tracePipe
    .read()
    .split('\n')
    .filter((line) => line.includes('bpf_trace_printk'))
    .map((line) => `${/^\s*(\S+)/.exec(line)?.[1]} ${line.replace(/^.*bpf_trace_printk: /, '')}`);
}
describe('ltrace', () => {
  it('calls with arguments and results, nested ones and those of several tasks', async () => {
    const text = `steps->sum(1, 0xa, 1) = 22
[pid 77] sum(-2, 3, 4 <unfinished ...>
[pid 78] a.out->look("/etc/passwd") = 5
[pid 77] factorial(2 <unfinished ...>
[pid 77] factorial(1) = 1
[pid 77] <... factorial resumed> ) = 2
[pid 77] <... sum resumed> ) = 0xffffffff
[pid 77] puts("nobody looks") = 13
[pid 77] +++ exited (status 0) +++
`;
    expect(await replayed(text)).toEqual(
      [
        'steps-4242 sum(1, 10, 1)',
        'steps-4242 sum returns 22',
        '<...>-77 sum(-2, 3, 4)',
        'a.out-78 look(/etc/passwd)',
        '<...>-77 factorial(2)',
        '<...>-77 factorial(1)',
        '<...>-77 factorial returns 1, it is at 7f',
        '<...>-77 factorial returns 2, it is at 7f',
        '<...>-77 sum returns 4294967295',
      ].map((line) => expect.stringContaining(line)),
    );
  });
});

describe('a result', () => {
  it.each([
    ['readline("$ ") = "echo \\"a\\""', { kind: 'string', bytes: Buffer.from('echo "a"') }],
    ['malloc(24) = 0x5581', { kind: 'int', lo: 0x5581, hi: 0 }],
    ['getenv("NONE") = nil', { kind: 'int', lo: 0, hi: 0 }],
    ['sqrt(2.0) = 1.414214', { kind: 'opaque', text: '1.414214' }],
  ])('%s', (text, result) => {
    const parser = new AnyParser();
    parser.push(Buffer.from(`bash->${text}\n`));
    parser.end();
    const steps = [1, 2, 3].map(() => parser.next());
    expect(steps).toMatchObject([{ kind: 'task' }, { kind: 'enter' }, { kind: 'leave', result }]);
  });
});

describe('uftrace', () => {
  it('functions as they nest', async () => {
    const text = `# DURATION     TID     FUNCTION
            [ 27711] | main() {
            [ 27711] |   sum(1, 10, 1) {
   0.120 us [ 27711] |     twice(10) = 20;
   1.200 us [ 27711] |   } = 22; /* sum */
   2.011 us [ 27711] |   look("/etc/hostname") = 5;
   9.011 us [ 27711] | } /* main */
`;
    expect(await replayed(text)).toEqual([
      'main-27711 sum(1, 10, 1)',
      'main-27711 sum returns 22',
      'main-27711 look(/etc/hostname)',
    ]);
  });
});

describe('strace -k', () => {
  it('what a stack has that the one before had not was entered, and what it has no more was left', async () => {
    const stack = (...frames: string[]): string =>
      frames.map((f) => ` > ${home('steps')}(${f}+0x10) [0x150]\n`).join('');
    const text = `100 getpid() = 100
${stack('sum', 'main')}100 openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = 3
${stack('look', 'main')}100 close(3) = 0
${stack('look', 'main')}100 getpid() = 100
${stack('main')}`;
    expect(await replayed(text)).toEqual([
      '<...>-100 sum(0, 0, 0)',
      '<...>-100 sum returns 0',
      expect.stringContaining('look('),
    ]);
  });
});

describe('perf script with call chains', () => {
  it('functions of the stacks on which calls were made', async () => {
    const chain = (...frames: string[]): string =>
      [
        'ffffffff81453d90 do_sys_openat2+0x0 ([kernel.kallsyms])',
        ...frames.map((f) => `401150 ${f}+0x10 (${home('steps')})`),
      ]
        .map((line) => `\t${line}\n`)
        .join('');
    const text = `steps 100 [000] 1.000001: syscalls:sys_enter_getpid:
${chain('sum', 'main')}
steps 100 [000] 1.000002: syscalls:sys_exit_getpid: 0x64

steps 100 [000] 1.000003: syscalls:sys_enter_close: fd: 0x00000003
${chain('factorial', 'main')}
steps 100 [000] 1.000004: syscalls:sys_exit_close: 0x0
`;
    expect(await replayed(text)).toEqual([
      'steps-100 sum(0, 0, 0)',
      'steps-100 sum returns 0',
      'steps-100 factorial(0)',
    ]);
  });
});
