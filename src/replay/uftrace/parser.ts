/**
 * Text of `uftrace replay` (uftrace-replay(1)): functions as they nest, a line each for entry and exit, one for a leaf.
 *
 *     # DURATION     TID     FUNCTION
 *                 [ 27711] | main() {
 *                 [ 27711] |   look("/etc/hostname") {
 *        1.234 us [ 27711] |     open("/etc/hostname") = 3;
 *        2.011 us [ 27711] |   } = 5; /* look *\/
 */

import { argOf, argsOf } from '../function-args.ts';
import { LineParser } from '../line-parser.ts';

const LINE = /^\s*(?:([\d.]+)\s+(ns|us|ms|s|m)\b\s*)?\[\s*(\d+)\]\s*\|\s*(.*)$/;
const ENTRY = /^([A-Za-z_][\w.:~<>, *&@]*?)\((.*)\)\s*\{$/s;
const LEAF = /^([A-Za-z_][\w.:~<>, *&@]*?)\((.*)\)(?:\s*=\s*(.*?))?;$/s;
const EXIT = /^\}(?:\s*=\s*(.*?);)?\s*(?:\/\*\s*(.*?)\s*\*\/)?$/s;
const NS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9 };
/** ns that an entry is taken to need */
const STEP = 100;

export const isUftrace = (line: string): boolean => LINE.test(line);

export class UftraceParser extends LineParser {
  #time = 0;
  /** functions that a task is in, the innermost last */
  readonly #inside = new Map<number, string[]>();

  protected read(text: string): string | undefined {
    const match = LINE.exec(text);
    if (match === null) return `no line of uftrace replay: ${JSON.stringify(text.slice(0, 60))}`;
    const [, duration, unit = 'us', tid, body = ''] = match;
    const pid = Number(tid);
    if (body === '' || body.startsWith('/*')) return undefined;
    const entry = ENTRY.exec(body);
    if (entry !== null) {
      this.#enter(pid, entry[1] as string, entry[2] as string);
      this.#inside.set(pid, [...(this.#inside.get(pid) ?? []), entry[1] as string]);
      return undefined;
    }
    const leaf = LEAF.exec(body);
    if (leaf !== null) {
      this.#enter(pid, leaf[1] as string, leaf[2] as string);
      this.#time += duration === undefined ? STEP : Number(duration) * (NS[unit] ?? 1);
      this.#leave(pid, leaf[1] as string, leaf[3]);
      return undefined;
    }
    const exit = EXIT.exec(body);
    if (exit === null) return `neither entry nor exit of a function: ${JSON.stringify(body.slice(0, 60))}`;
    const inside = this.#inside.get(pid) ?? [];
    const func = inside.at(-1) ?? exit[2];
    this.#inside.set(pid, inside.slice(0, -1));
    if (func !== undefined) this.#leave(pid, func, exit[1]);
    return undefined;
  }
  #enter(pid: number, func: string, args: string): void {
    this.#time += STEP;
    this.see(pid, this.#time, this.#inside.has(pid) ? '<...>' : func);
    this.give({ kind: 'enter', pid, time: this.#time, func, args: argsOf(args) });
  }
  #leave(pid: number, func: string, text: string | undefined): void {
    this.#time += STEP;
    const result = text === undefined ? undefined : argOf(text.trim());
    this.give({ kind: 'leave', pid, time: this.#time, func, ...(result === undefined ? {} : { result }) });
  }
}
