/**
 * Recordings of `strace -f` (strace(1)): one event a line, in any of the forms that -ttt, -tt, -r,
 * -t, no times, and -o give.
 *
 *     31683 614.653225 openat(AT_FDCWD, "/etc/hostname", O_RDONLY) = 3           -o: pid first
 *     [pid 31684] 11:07:02.123456 read(3,  <unfinished ...>                       stderr: [pid N] once there are two
 *     [pid 31684]      0.000031 <... read resumed>"x", 1) = 1
 *     31684 1795348740.88 --- SIGCHLD {si_signo=SIGCHLD, …} ---
 *     31684 +++ exited with 0 +++
 *
 * A call that was interrupted by another task's line is put together again, at the time it began.
 */

import { ArgsError, parseArg, splitList } from './args.ts';
import type { Strace, StraceArg, StraceEvent, StraceWarning, SyscallEvent } from './events.ts';
import { logicalLines } from './lines.ts';
import { Pids } from './pids.ts';
import { type Prefix, readPrefix, Times } from './prefix.ts';
import { readResult } from './result.ts';

interface Begun {
  readonly line: number;
  readonly time: number | undefined;
  readonly text: string;
}

/** Reads a whole recording; lines that cannot be read become warnings. */
export function parseStrace(text: string): Strace {
  const events: StraceEvent[] = [];
  const warnings: StraceWarning[] = [];
  const begun = new Map<number, Begun>();
  const times = new Times();
  const pids = new Pids(text);
  for (const { line, text: raw } of logicalLines(text)) {
    try {
      const prefix = readPrefix(raw);
      const event = readEvent(prefix, pids.of(prefix.pid), line, times.at(prefix), begun);
      if (event?.kind === 'exit') pids.exited(event.pid);
      if (event) events.push(event);
    } catch (error) {
      if (!(error instanceof ArgsError)) throw error;
      warnings.push({ line, message: error.message });
    }
  }
  for (const [pid, b] of begun) events.push(finish(b, pid, undefined, b.text));
  // an interrupted call is complete only later, but counts from where it began
  events.sort((a, b) => a.line - b.line);
  return { events, warnings, epoch: times.epoch };
}

function readEvent(
  prefix: Prefix,
  pid: number,
  line: number,
  time: number | undefined,
  begun: Map<number, Begun>,
): StraceEvent | undefined {
  const { rest } = prefix;
  const base = { line, pid, time };
  const signal = /^--- (?:stopped by )?(SIG\w+)/.exec(rest);
  if (signal) return { kind: 'signal', ...base, signal: signal[1] as string };
  const exited = /^\+\+\+ exited with (\d+)/.exec(rest);
  if (exited) return { kind: 'exit', ...base, status: Number(exited[1]), signal: undefined };
  const killed = /^\+\+\+ killed by (SIG\w+)/.exec(rest);
  if (killed) return { kind: 'exit', ...base, status: undefined, signal: killed[1] };
  if (/^\+\+\+ superseded by /.test(rest)) return undefined;
  const resumed = /^<\.\.\. (\w+) resumed>\s*/.exec(rest);
  if (resumed) {
    const b = begun.get(pid);
    if (!b) throw new ArgsError(`${resumed[1]} is resumed, but no line began it`);
    begun.delete(pid);
    return finish(b, pid, time, `${b.text}${rest.slice(resumed[0].length)}`, line);
  }
  const unfinished = /\s*<unfinished \.\.\.>\)?\s*$/.exec(rest);
  // exit(0 <unfinished ...> may end the recording without a resumed line
  if (unfinished) {
    begun.set(pid, { line, time, text: rest.slice(0, unfinished.index) });
    return undefined;
  }
  return finish({ line, time, text: rest }, pid, undefined, rest);
}

function finish(b: Begun, pid: number, end: number | undefined, text: string, resumedLine?: number): SyscallEvent {
  const open = /^(\w+)\(/.exec(text);
  if (!open) throw new ArgsError(`not a line of strace: ${text.slice(0, 60)}`);
  const complete = resumedLine !== undefined || text !== b.text || / = /.test(text);
  const list = splitList(text, open[0].length, complete && /\)\s*(?:=|$)/.test(text) ? ')' : '');
  const { result, duration } = readResult(text.slice(list.end + 1));
  return {
    kind: 'syscall',
    line: b.line,
    pid,
    time: b.time,
    name: open[1] as string,
    args: inRegisterOrder(open[1] as string, list.items).map(readArg),
    result,
    end: end ?? (b.time !== undefined && duration !== undefined ? b.time + duration : undefined),
    resumedLine,
  };
}

/** `in => out` of calls that change an argument: what went in counts. */
const readArg = (text: string): StraceArg => parseArg(text.split(' => ')[0] as string);

/** strace prints clone(2)'s arguments as glibc's wrapper takes them, each with its name; the system call wants flags first. */
const CLONE_ORDER = ['flags', 'child_stack', 'parent_tid', 'child_tid', 'tls'];

function inRegisterOrder(name: string, items: readonly string[]): readonly string[] {
  if (name !== 'clone' || !items.some((item) => item.startsWith('flags='))) return items;
  const named = (key: string): string => items.find((item) => item.startsWith(key)) ?? '0';
  return CLONE_ORDER.map(named);
}
