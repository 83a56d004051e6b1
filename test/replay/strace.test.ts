/** Recordings that strace 6.1 made of one command, in every form that the command line accepts; and lines by themselves. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TraceArg, TraceCall, TraceStep } from '../../kernel-sim/index.ts';
import { readStrace, StraceParser } from '../../src/replay/index.ts';

const folder = new URL('recordings/', import.meta.url);
const read = (form: string) => readFileSync(new URL(`${form}.strace`, folder), 'utf8');
const stepsOf = (text: string): TraceStep[] => [...readStrace(text).trace.steps];
const callsOf = (text: string): TraceCall[] => stepsOf(text).filter((s) => s.kind === 'call');

/** Steps of a recording that arrives in pieces of `size` bytes. */
function inPieces(bytes: Uint8Array, size: number): TraceStep[] {
  const parser = new StraceParser();
  const steps: TraceStep[] = [];
  const take = (): void => {
    for (let step = parser.next(); step; step = parser.next()) steps.push(step);
  };
  for (let at = 0; at < bytes.length; at += size) {
    parser.push(bytes.slice(at, at + size));
    take();
  }
  parser.end();
  take();
  return steps;
}

describe.each(['ttt', 'tt', 'r', 'plain', 'T', 'output'])('strace form %s', (form) => {
  const { trace, warnings } = readStrace(read(form));
  const steps = [...trace.steps];

  it('is read without a warning', () => {
    expect(warnings).toEqual([]);
  });

  it('has one step for each call that begins, and none twice', () => {
    const begun = read(form)
      .split('\n')
      .filter((line) => /^(\[pid\s+\d+\]|\d+ )?[\s\d.:]*\w+\(/.test(line)).length;
    expect(steps.filter((s) => s.kind === 'call')).toHaveLength(begun);
  });

  it('sees three tasks end, and the shell with status 3', () => {
    expect(steps.filter((s) => s.kind === 'end').map((s) => s.status)).toEqual([0, 0, 3 << 8]);
  });

  it('has one task at its beginning, which the recording does not create', () => {
    expect(trace.tasks).toEqual([{ pid: steps[0]?.pid, comm: 'strace' }]);
  });

  it('has times that never run backwards', () => {
    // without times a call returns at the time at which it began
    const times = steps.filter((s) => form !== 'plain' || s.kind !== 'return').map((s) => s.time);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });

  it('gives the same steps in pieces, whatever their size', () => {
    const bytes = new TextEncoder().encode(read(form));
    const whole = inPieces(bytes, bytes.length);
    expect(whole.length).toBeGreaterThan(steps.length);
    for (const size of [1, 7, 64, 4096]) expect(inPieces(bytes, size)).toEqual(whole);
  });

  it('gives the same calls as a stream, where some return later than they are given', () => {
    const known = new Map<TraceStep, TraceStep>();
    const open = new Map<number, TraceStep>();
    const streamed = inPieces(new TextEncoder().encode(read(form)), 1000);
    for (const step of streamed) {
      if (step.kind === 'call') open.set(step.pid, step);
      if (step.kind === 'return' && step.call) known.set(open.get(step.pid) as TraceStep, step.call);
    }
    const calls = streamed.filter((s) => s.kind === 'call').map((s) => known.get(s) ?? s);
    const plain = (call: TraceStep) => ({ ...call, unfinished: false });
    expect(calls.map(plain)).toEqual(steps.filter((s) => s.kind === 'call').map(plain));
    if (form === 'output') expect(known.size).toBeGreaterThan(0);
  });
});

it.each(readdirSync(folder))('%s is read alike with other line ends and a byte order mark', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8');
  const plain = readStrace(text);
  for (const other of [`\ufeff${text}`, text.replaceAll('\n', '\r\n'), text.replaceAll('\n', '\r')])
    expect(readStrace(other)).toEqual(plain);
});

const int = (value: bigint): TraceArg => ({
  kind: 'int',
  lo: Number(BigInt.asIntN(32, value)),
  hi: Number(BigInt.asIntN(32, value >> 32n)),
});
const text = (arg: TraceArg | undefined): string => new TextDecoder().decode((arg as { bytes: Uint8Array }).bytes);
const one = (line: string): TraceCall => callsOf(line)[0] as TraceCall;

describe('what a line says', () => {
  it('reads strings, flags and results of openat', () => {
    const call = one(
      'openat(AT_FDCWD, "/etc/a\\tb\\303\\244", O_RDWR|O_CLOEXEC, 0644) = -1 EACCES (Permission denied)',
    );
    expect(text(call.args[1])).toBe('/etc/a\tbä');
    expect([call.args[0], ...call.args.slice(2)]).toEqual([int(-100n), int(0o2000002n), int(0o644n)]);
    expect(call.result).toEqual({ lo: -13, hi: -1 });
  });

  it('puts clone(2) into the order of its registers', () => {
    const call = one('clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f0000000a10) = 12');
    expect(call.args).toEqual([0x1000011n, 0n, 0n, 0x7f0000000a10n, 0n].map(int));
    expect(call.cloneFlags).toBe(0x1000011);
  });

  it('finds the flags of clone3 in its structure', () => {
    expect(one('clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0} => {parent_tid=[9]}, 88) = 9').cloneFlags).toBe(
      0x10100,
    );
  });

  it('puts an interrupted call together where it began', () => {
    const calls = callsOf(
      '[pid 7] 1.0 read(3,  <unfinished ...>\n[pid 8] 1.1 getpid() = 8\n[pid 7] 1.2 <... read resumed>"x", 1) = 1\n',
    );
    expect(calls.map((call) => call.name)).toEqual(['read', 'getpid']);
    expect(calls[0]).toMatchObject({ pid: 7, time: 0, unfinished: true, result: { lo: 1, hi: 0 } });
  });

  it('puts together a structure of which half was printed', () => {
    const [call] = callsOf(
      '7 bpf(BPF_OBJ_GET_INFO_BY_FD, {info={bpf_fd=3, info_len=88 <unfinished ...>\n8 getpid() = 8\n' +
        '7 <... bpf resumed>=> 80, info=0x7f00}}, 16) = 0\n',
    );
    expect(call?.args.map((a) => a.kind)).toEqual(['int', 'opaque', 'int']);
    expect(call?.args[2]).toEqual(int(16n));
  });

  it.each([
    ['7 clone3({flags=CLONE_VM}, 88strace: Process 9 attached\n) = 9', [7]],
    ['7 read(0, "", 1) = 0 <0.000012>', [7]],
    ['[pid     7] close(1) = 0', [7]],
    ['[pid 7<a b>] close(1) = 0', [7]],
    ["[pid 7 /* 1 in strace's PID NS */] close(1) = 0", [7]],
    ['7<bash> [  59] [00007f6a8d040ad7] close(1) = 0', [7]],
    ['[????????????????] close(1) = 0', [1000]],
    ['12:00:01 (+     0.000123) close(1) = 0', [1000]],
    ['1795348921 close(1) = 0', [1000]],
    ['7     1795348921.123456789 close(1) = 0', [7]],
    ['set_tid_address(0x7f0000000a10) = 4242\nclose(1) = 0', [4242, 4242]],
  ])('knows whose line %j is', (line, pids) => {
    const { trace, warnings } = readStrace(line);
    expect(warnings).toEqual([]);
    expect([...trace.steps].map((s) => s.pid)).toEqual(pids);
  });

  it.each<[string, readonly bigint[]]>([
    ['dup2(3</tmp/a), b>, 4<TCP:[127.0.0.1:1->127.0.0.1:80]>) = 4', [3n, 4n]],
    ['dup2(3</dev/null<char 1:3>>, -1 /* nothing */) = 4', [3n, -1n]],
    ['dup2(3<TCPv6:[[::1]:54->[::1]:80]>, 4) = 4', [3n, 4n]],
    ['kill(12<bash>, SIGTERM) = 0', [12n, 15n]],
    ['lseek(-100 /* AT_FDCWD */, 1<<33, 8192*1024) = 0', [-100n, 1n << 33n, 8192n * 1024n]],
    ['lseek(0xffffffffffffffff, 18446744073709551615, 1<<100000000000) = 0', [-1n, -1n, 0n]],
    ['close(O_RDWR | O_CLOEXEC) = 0', [0o2000002n]],
    ['close(fd=~O_RDWR) = 0', [~2n]],
    ['close(a=a=a=7) = 0', [7n]],
    ['restart_syscall(<... resuming interrupted nanosleep ...>) = 0', [0n]],
    ['bind(3, htons(80)) = 0', [3n, 0x5000n]],
  ])('reads the values of %s', (line, values) => {
    expect(one(line).args).toEqual(values.map(int));
  });

  it.each([
    ['wait4(-1, 0x7f, 0, NULL) = ? ERESTARTSYS (To be restarted if SA_RESTART is set)', -512],
    ['fcntl(1, F_GETFL) = 0x8002 (flags O_RDWR|O_LARGEFILE)', 0x8002],
    ['poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)', 0],
    ['umask(022) = 022', 0o22],
    ['openat(AT_FDCWD</tmp>, "a", 0) = 3</tmp/a> <0.000012>', 3],
    ['exit_group(0) = ?', undefined],
  ])('reads the result of %s', (line, result) => {
    expect(one(line).result?.lo).toBe(result);
  });

  it('reads addresses of sockets', () => {
    const address = (text: string) => {
      const arg = one(`connect(3, {${text}}, 16) = 0`).args[1];
      return arg?.kind === 'bytes' ? Buffer.from(arg.bytes).toString('hex') : arg?.kind;
    };
    expect(address('sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("10.0.0.1")')).toBe(
      '020000500a0000010000000000000000',
    );
    expect(address('sa_family=AF_INET6, sin6_port=htons(443), inet_pton(AF_INET6, "fe80::1:2", &sin6_addr)')).toBe(
      '0a0001bb00000000fe8000000000000000000000000100020000 0000'.replace(' ', ''),
    );
    expect(address('sa_family=AF_UNIX, sun_path="/run/x"')).toBe('01002f72756e2f7800');
    expect(address('sa_family=AF_INET, sin_addr=inet_addr("1.2.3.400")')).toBe('opaque');
  });

  it('keeps the stack of -k with the call that it follows', () => {
    const [first, second] = callsOf(
      '7 close(1) = 0\n > /lib/libc.so.6(__close+0x10) [0xf6950]\n > /bin/cat() [0x3bfb]\n7 close(2) = 0\n',
    );
    expect(first?.stack).toEqual([
      { file: '/lib/libc.so.6', offset: 0xf6950, symbol: '__close', symbolOffset: 0x10 },
      { file: '/bin/cat', offset: 0x3bfb },
    ]);
    expect(second?.stack).toBeUndefined();
  });

  it('passes over what strace says of itself, and the table of -C', () => {
    const { trace, warnings } = readStrace(
      [
        'strace: Process 7 attached',
        '[ Process PID=7 runs in 32 bit mode. ]',
        '[pid 7] close(1) = 0',
        '',
        '% time     seconds  usecs/call     calls    errors syscall',
        '------ ----------- ----------- --------- --------- ----------------',
        '100.00    0.000012          12         1           close',
        '------ ----------- ----------- --------- --------- ----------------',
        '100.00    0.000012          12         1           total',
        '[pid 7] close(2) = 0',
      ].join('\n'),
    );
    expect(warnings).toEqual([]);
    expect([...trace.steps]).toHaveLength(2);
  });
});

describe('what cannot be read', () => {
  it.each([
    ['text', 'what is this', 'not a line of strace'],
    ['half a string', 'openat(AT_FDCWD, "/etc', 'a string does not end'],
    ['a return without a call', '[pid 3] <... read resumed>) = 0', 'no line began it'],
    ['text that ends as a call does', 'junk junk <unfinished ...>', 'not a line of strace'],
    ['an unknown call', 'frobnicate(1) = 0', "no system call 'frobnicate'"],
    ['pid 0', '0 close(1) = 0', 'its pid is none'],
    ['a pid of 310 digits', `${'9'.repeat(310)} close(1) = 0`, 'its pid is none'],
    ['a time of 400 digits', `5 ${'9'.repeat(400)}.0 close(1) = 0`, 'its time is too large'],
    ['an argument of 400 digits', `lseek(${'9'.repeat(400)}) = 0`, 'does not fit 64 bits'],
    ['an argument of 68 bits', `lseek(0x${'f'.repeat(17)}) = 0`, 'does not fit 64 bits'],
    ['calls in calls', `${'fork('.repeat(40_000)}`, 'a bracket does not close'],
    ['open brackets', `close(${'['.repeat(100_000)}`, 'a bracket does not close'],
  ])('%s costs the line', (_, line, message) => {
    const { trace, warnings } = readStrace(`getpid() = 1\n${line}\ngetpid() = 1\n`);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ line: 2 });
    expect(warnings[0]?.message).toContain(message);
    expect([...trace.steps]).toHaveLength(2);
  });

  it('costs the call that was begun, and the rest is replayed', () => {
    const { trace, warnings } = readStrace(
      '1 openat(AT_FDCWD, "/a <unfinished ...>\n2 getpid() = 2\n1 getpid() = 1\n1 <... openat resumed>) = 3\n',
    );
    expect(warnings.map((w) => w.line)).toEqual([1, 4]);
    expect([...trace.steps].map((s) => s.pid)).toEqual([2, 1]);
  });

  it('does not spoil the times of what follows', () => {
    const steps = stepsOf('1 999999999.0 junk\n1 5.0 getpid() = 1\n1 5.5 getpid() = 1\n');
    expect(steps.map((s) => s.time)).toEqual([0, 500_000_000]);
  });

  it('is counted, and kept in bounded room', () => {
    const parser = new StraceParser();
    parser.push(new TextEncoder().encode('junk\n'.repeat(20_000)));
    parser.end();
    expect(parser.next()).toBeUndefined();
    expect(parser.warnings.count).toBe(20_000);
    expect(parser.warnings.list.length).toBeLessThan(5000);
    expect(parser.warnings.summary('x')).toBe(
      'x: 20000 lines could not be read (first: 1, 2, 3, 4, 5, 6, 7, 8, …); line 1: not a line of strace: junk',
    );
  });

  it('is told with what each kind of it lacks, the most frequent first', () => {
    const parser = new StraceParser();
    const text = ['1 foo() = 1', 'junk', '1 getpid() = 1', 'more junk', '1 bar() = 2', '1 baz() = 3', '1 write(1, "a'];
    parser.push(new TextEncoder().encode(`${text.join('\n')}\n`));
    parser.end();
    while (parser.next() !== undefined);
    expect(parser.warnings.summary('x')).toBe(
      "x: 6 lines could not be read (1, 2, 4, 5, 6, 7); 3 as line 1: there is no system call 'foo' on x86-64; " +
        '2 as line 2: not a line of strace: junk; 1 as line 7: a string does not end',
    );
  });

  it('has long strings and many blanks as it has short ones', () => {
    const long = 'x'.repeat(130_000);
    expect(text(one(`write(1, "${long}", 130000) = 130000`).args[1])).toBe(long);
    expect(one(`write(1,${' '.repeat(80_000)}"a", 1) = 1`).args).toHaveLength(3);
    expect(one(`${'a='.repeat(100)}`)).toBeUndefined();
  });

  it('is a line that is longer than memory allows, in pieces too', () => {
    const parser = new StraceParser();
    const piece = new Uint8Array(1 << 20).fill(0x20);
    for (let n = 0; n < 20; n++) {
      parser.push(piece);
      expect(parser.next()).toBeUndefined();
    }
    parser.push(new TextEncoder().encode('\n7 getpid() = 7\n'));
    parser.end();
    expect([parser.next()?.kind, parser.next()?.kind]).toEqual(['task', 'call']);
    expect(parser.warnings.list).toEqual([{ line: 1, message: 'it is longer than 16 MiB' }]);
  });
});

describe('a stream', () => {
  /** What has been given when `text` has arrived, and no more. */
  const soFar = (text: string): string[] => {
    const parser = new StraceParser();
    parser.push(new TextEncoder().encode(text));
    const steps: string[] = [];
    for (let step = parser.next(); step; step = parser.next()) steps.push(`${step.kind} ${step.pid}`);
    return steps;
  };

  it('gives a call as soon as the next line begins', () => {
    expect(soFar('7 close(1) = 0\n')).toEqual([]);
    expect(soFar('7 close(1) = 0\n7 ')).toEqual(['task 7', 'call 7']);
  });

  it('gives a call that waits when others go on, and what it gave when it returns', () => {
    const text = '7 read(0,  <unfinished ...>\n8 close(1) = 0\n8 close(2) = 0\n';
    expect(soFar(`${text}8 `)).toEqual(['task 7', 'call 7', 'task 8', 'call 8', 'call 8']);
    const steps = inPieces(new TextEncoder().encode(`${text}7 <... read resumed>"x", 1) = 1\n`), 1000);
    expect(steps.at(-1)).toMatchObject({ kind: 'return', pid: 7, call: { result: { lo: 1, hi: 0 } } });
  });

  it('holds back what follows a clone until it is known whom it made', () => {
    const text = '7 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n8 close(1) = 0\n';
    expect(soFar(`${text}8 `)).toEqual([]);
    expect(soFar(`${text}7 <... clone resumed>, child_tidptr=0x7f) = 8\n7 `)).toEqual([
      'task 7',
      'call 7',
      'call 8',
      'return 7',
    ]);
  });

  it('holds back no more than a bound', () => {
    const lines = Array.from({ length: 3000 }, () => '8 close(1) = 0\n').join('');
    expect(soFar(`7 openat(AT_FDCWD, "fifo" <unfinished ...>\n${lines}`).length).toBeGreaterThan(1500);
  });
});
