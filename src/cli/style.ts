/** Lines about the work, on stderr. */
import { colours, tell } from './terminal.ts';

const sgr =
  (open: number, close: number) =>
  (text: string): string =>
    colours ? `\x1b[${open}m${text}\x1b[${close}m` : text;

export const paint = {
  bold: sgr(1, 22),
  dim: sgr(2, 22),
  red: sgr(31, 39),
  green: sgr(32, 39),
  yellow: sgr(33, 39),
  cyan: sgr(36, 39),
};

/** One line of a stage on stderr: its name in a column, then what it found. */
export function stage(name: string, text: string): void {
  tell(`${paint.cyan(name.padEnd(7))} ${text}\n`);
}

/** A line that belongs to the stage above it. */
export function detail(text: string): void {
  tell(`${' '.repeat(8)}${text}\n`);
}

/** A warning: work goes on. */
export function warn(text: string): void {
  tell(`${paint.yellow('warning')} ${text}\n`);
}

/** `1 program`, `2 programs`, `2 entries`. */
export const plural = (n: number, noun: string, many = `${noun}s`): string => `${n} ${n === 1 ? noun : many}`;

export const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : ms.toFixed(0)} ms`;

/** A clock in ms, for what took how long. Node loads `performance` only when it is touched, and that takes milliseconds itself. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6;
