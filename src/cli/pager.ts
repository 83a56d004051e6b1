/**
 * Long output on a terminal goes through a pager: $PAGER, or less. Output that is piped or redirected never does, nor where
 * PAGER is empty or `cat`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { err, out } from './standard.ts';

/** As git sets it: what fits on the screen is only printed, colours stay, the screen is not cleared. */
const LESS = 'FRX';

let pager: ChildProcess | undefined;
let ended: Promise<void> | undefined;

/** From now on {@link pageOut} writes to a pager, where standard output is a terminal. */
export function startPager(): void {
  const command = process.env['PAGER'] ?? 'less';
  if (pager !== undefined || !out.isTerminal || command === '' || command === 'cat') return;
  const child = spawn(command, { shell: true, stdio: ['pipe', 'inherit', 'inherit'], env: { LESS, ...process.env } });
  pager = child;
  ended = new Promise((resolve) => {
    child.on('close', () => resolve());
    child.on('error', () => resolve());
  });
  // who has seen enough ends it while more is to come
  child.stdin?.on('error', () => {});
  // on the same screen, what is said would stand across what is shown
  if (err.isTerminal) err.redirect((chunk) => void child.stdin?.write(chunk));
  // Ctrl-C is the pager's while it runs
  process.on('SIGINT', ignore);
}
const ignore = (): void => {};

/** Writes what was asked for. */
export function pageOut(text: string): void {
  if (pager?.stdin) pager.stdin.write(text);
  else out.write(text);
}

/** Fulfilled when the reader has left the pager. */
export async function endPager(): Promise<void> {
  if (pager === undefined) return;
  pager.stdin?.end();
  await ended;
  process.off('SIGINT', ignore);
  err.redirect();
  pager = undefined;
  ended = undefined;
}
