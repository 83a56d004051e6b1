/**
 * ltrace's text (ltrace(1)): calls of library functions, entered and left as it saw them.
 *
 *     [pid 4242] a.out->puts("hello")                 = 6        -f
 *     4242 14:02:11.123456 malloc(24)                  = 0x5581  -o FILE -tt
 *     4242 qsort(0x7ffc, 4, 4, 0x401136 <unfinished ...>
 *     4242 <... qsort resumed> )                       = <void>
 *     4242 +++ exited (status 0) +++
 */

import { argOf, argsOf } from '../function-args.ts';
import { LineParser } from '../line-parser.ts';

const PREFIX = /^(?:\[pid (\d+)\]\s*|(\d+)\s+)?(?:(?:(\d+):(\d\d):(\d\d)(?:\.(\d+))?|(\d+)\.(\d{6}))\s+)?/;
const CALL = /^(?:([^\s(]+)->)?([A-Za-z_][\w.@:~]*)\((.*)$/s;
const RESUMED = /^<\.\.\. (?:[^\s]+->)?([A-Za-z_][\w.@:~]*) resumed>\s*(.*)$/s;
const RESULT = /^(.*?)\)\s*=\s*(.*)$/s;
/** of a task that ltrace did not name: it follows one */
const ONLY = 4242;
/** ns between two lines, where no time is told */
const STEP = 1000;

/** Whether a line can be ltrace's and not strace's; `isCall`: names of system calls, which strace prints alike. */
export function isLtrace(line: string, isCall: (name: string) => boolean): boolean {
  const match = CALL.exec(line.replace(PREFIX, ''));
  if (match === null) return false;
  const [, from, name = ''] = match;
  return from !== undefined || (!isCall(name) && !/^(execve|exit|\?\?\?)/.test(name));
}

export class LtraceParser extends LineParser {
  #time = 0;
  #start: number | undefined;

  protected read(text: string): string | undefined {
    const prefix = PREFIX.exec(text) as RegExpExecArray;
    const pid = Number(prefix[1] ?? prefix[2] ?? ONLY);
    this.#at(prefix);
    const rest = text.slice(prefix[0].length);
    const exited = /^\+\+\+ (?:exited \(status (\d+)\)|killed by (\S+)) \+\+\+/.exec(rest);
    if (exited !== null) {
      const status = exited[1] === undefined ? 9 : Number(exited[1]) << 8;
      this.give({ kind: 'end', pid, time: this.#time, status });
      return undefined;
    }
    if (rest.startsWith('---')) return undefined;
    const resumed = RESUMED.exec(rest);
    if (resumed !== null) {
      this.#leave(pid, resumed[1] as string, RESULT.exec(resumed[2] as string)?.[2]);
      return undefined;
    }
    const call = CALL.exec(rest);
    if (call === null) return `no call of a function: ${JSON.stringify(text.slice(0, 60))}`;
    const [, from, func = '', behind = ''] = call;
    // which object called it, not which has it
    this.see(pid, this.#time, from === undefined ? '<...>' : (from.split('/').at(-1) as string));
    const unfinished = /^(.*?)\s*<unfinished \.\.\.>\s*$/s.exec(behind);
    const result = RESULT.exec(behind);
    const given = unfinished?.[1] ?? result?.[1] ?? behind.replace(/\)\s*$/, '');
    this.give({ kind: 'enter', pid, time: this.#time, func, args: argsOf(given) });
    if (unfinished === null) this.#leave(pid, func, result?.[2]);
    return undefined;
  }
  #leave(pid: number, func: string, text: string | undefined): void {
    const result = text === undefined ? undefined : argOf(text.trim());
    this.give({ kind: 'leave', pid, time: this.#time, func, ...(result === undefined ? {} : { result }) });
  }
  #at([, , , hours, minutes, seconds, fraction = '', epoch, micros]: RegExpExecArray): void {
    const at =
      hours !== undefined
        ? (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1e9 +
          Number(fraction.padEnd(9, '0').slice(0, 9))
        : epoch !== undefined
          ? Number(epoch) * 1e9 + Number(micros) * 1e3
          : undefined;
    if (at === undefined) this.#time += STEP;
    else {
      this.#start ??= at;
      this.#time = Math.max(this.#time, at - this.#start);
    }
  }
}
