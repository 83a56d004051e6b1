/** `ebpf-emu tui`: watch a program run, forwards and backwards, on the whole terminal. */
import { type DebuggingOptions, sessionOptions } from '../debugging.ts';
import { UserError } from '../errors.ts';
import { optimiseAsUsual, optimiseLater } from '../optimiser.ts';
import { out } from '../standard.ts';

export async function tui(file: string, options: DebuggingOptions): Promise<void> {
  if (process.stdin.isTTY !== true || !out.isTerminal)
    throw new UserError('tui wants a terminal, and standard input or output is none; `ebpf-emu load` runs without one');
  if (options.replay === '-') throw new UserError('tui reads keys from standard input: name a file with --replay');
  const { openTui, runInTerminal, terminalOf } = await import('../../tui/index.ts');
  const opened = await optimiseLater(async () => openTui(await sessionOptions(file, options)));
  try {
    await runInTerminal(opened, terminalOf(process.env), optimiseAsUsual);
  } finally {
    opened.close();
  }
}
