/** Recordings that strace 6.1 made of one command, in every form that the command line accepts. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SyscallEvent } from '../../src/replay/index.ts';
import { parseStrace } from '../../src/replay/index.ts';

const read = (form: string) => readFileSync(new URL(`recordings/${form}.strace`, import.meta.url), 'utf8');
const calls = (form: string) => parseStrace(read(form)).events.filter((e): e is SyscallEvent => e.kind === 'syscall');

describe.each(['ttt', 'tt', 'r', 'plain', 'T', 'output'])('strace form %s', (form) => {
  const trace = parseStrace(read(form));

  it('is read without a warning', () => {
    expect(trace.warnings).toEqual([]);
  });

  it('has one event for each call that begins, and none twice', () => {
    const begun = read(form)
      .split('\n')
      .filter((line) => /^(\[pid\s+\d+\]|\d+ )?[\s\d.:]*\w+\(/.test(line)).length;
    expect(calls(form)).toHaveLength(begun);
  });

  it('sees three tasks end, and the shell with status 3', () => {
    const exits = trace.events.filter((e) => e.kind === 'exit');
    expect(exits.map((e) => e.status)).toEqual([0, 0, 3]);
  });

  it('has times that never run backwards, or none at all', () => {
    const times = trace.events.map((e) => e.time);
    if (form === 'plain') expect(times.every((t) => t === undefined)).toBe(true);
    else expect(times).toEqual([...(times as number[])].sort((a, b) => a - b));
  });
});

describe('what a line says', () => {
  const one = (text: string) => parseStrace(text).events[0] as SyscallEvent;

  it('reads strings, flags and results of openat', () => {
    const call = one(
      'openat(AT_FDCWD, "/etc/a\\tb\\303\\244", O_RDWR|O_CLOEXEC, 0644) = -1 EACCES (Permission denied)',
    );
    expect(call.args[0]).toEqual({ kind: 'value', value: BigInt.asUintN(64, -100n) });
    expect(Buffer.from((call.args[1] as { bytes: Uint8Array }).bytes).toString()).toBe('/etc/a\tbä');
    expect(call.args[2]).toEqual({ kind: 'value', value: 0o2000002n });
    expect(call.args[3]).toEqual({ kind: 'value', value: 0o644n });
    expect(call.result).toBe(-13n);
  });

  it('puts clone(2) into the order of its registers', () => {
    const call = one('clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f0000000a10) = 12');
    expect(call.args.map((a) => (a as { value: bigint }).value)).toEqual([0x1000011n, 0n, 0n, 0x7f0000000a10n, 0n]);
  });

  it('puts an interrupted call together where it began', () => {
    const trace = parseStrace(
      '[pid 7] 1.0 read(3,  <unfinished ...>\n[pid 8] 1.1 getpid() = 8\n[pid 7] 1.2 <... read resumed>"x", 1) = 1\n',
    );
    expect(trace.events.map((e) => (e as SyscallEvent).name)).toEqual(['read', 'getpid']);
    expect(trace.events[0]).toMatchObject({ pid: 7, time: 0, end: 200_000_000, result: 1n });
  });

  it.each([
    ['what is this', 'not a line of strace'],
    ['openat(AT_FDCWD, "/etc', 'a string does not end'],
    ['[pid 3] <... read resumed>) = 0', 'no line began it'],
  ])('warns of %j with its number and goes on', (line, message) => {
    const trace = parseStrace(`getpid() = 1\n${line}\ngetpid() = 1\n`);
    expect(trace.warnings).toHaveLength(1);
    expect(trace.warnings[0]).toMatchObject({ line: 2 });
    expect(trace.warnings[0]?.message).toContain(message);
    expect(trace.events).toHaveLength(2);
  });
});
