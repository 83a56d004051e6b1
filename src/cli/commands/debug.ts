/** `ebpf-emu debug`: the debugger's prompt on a terminal, or on a file of commands. */
import { createInterface } from 'node:readline/promises';
import { DebugPrompt, Session } from '../../debug/index.ts';
import { host } from '../../platform/index.ts';
import { type DebuggingOptions, sessionOptions } from '../debugging.ts';
import { readInput } from '../files.ts';
import { print } from '../terminal.ts';

export interface DebugOptions extends DebuggingOptions {
  /** file of commands */
  readonly command?: string;
}

const PROMPT = '(ebpf) ';

export async function debug(file: string, options: DebugOptions): Promise<void> {
  const session = await Session.open({ ...(await sessionOptions(file, options)), name: file });
  let interrupt = new AbortController();
  const prompt = new DebugPrompt(session, {
    get signal() {
      return interrupt.signal;
    },
  });
  const abort = (): void => interrupt.abort();
  process.on('SIGINT', abort);
  /** Runs a line; false where it ends the session. */
  const run = async (line: string): Promise<boolean> => {
    const [word = '', argument = ''] = line.trim().split(/\s+(.*)/);
    if (/^(q|quit|exit)$/.test(word)) return false;
    interrupt = new AbortController();
    if (word === 'source') return runFile(argument, run);
    const said = await prompt.run(line);
    if (said !== '') print(`${said}\n`);
    return true;
  };
  try {
    print(`${prompt.greeting()}\n`);
    if (options.command === undefined || (await runFile(options.command, run)))
      await readLines(prompt, run, () => interrupt);
  } finally {
    process.off('SIGINT', abort);
    session.close();
  }
}

/** A line at a time, with history and completion where there is a terminal; the lines themselves where there is none. */
async function readLines(
  prompt: DebugPrompt,
  run: (line: string) => Promise<boolean>,
  interrupt: () => AbortController,
): Promise<void> {
  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    ...(isTerminal
      ? { output: process.stdout, prompt: PROMPT, completer: (line: string) => prompt.complete(line) }
      : {}),
  });
  lines.on('SIGINT', () => interrupt().abort());
  if (isTerminal) lines.prompt();
  for await (const line of lines) {
    if (!isTerminal) print(`${PROMPT}${line}\n`);
    if (!(await run(line))) break;
    if (isTerminal) lines.prompt();
  }
  lines.close();
}

async function runFile(file: string, run: (line: string) => Promise<boolean>): Promise<boolean> {
  for (const line of host.decodeUtf8(readInput(file)).split('\n')) {
    if (line.trim() === '') continue;
    print(`${PROMPT}${line}\n`);
    if (!(await run(line))) return false;
  }
  return true;
}
