/** `ebpf-emu debug`: the debugger's prompt on a terminal, or on a file of commands. */
import { writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { DebugPrompt, openOrRefused, Refused, RefusedPrompt, type Session, symbolFile } from '../../debug/index.ts';
import { FileError, host } from '../../platform/index.ts';
import type { Answering } from '../../protocol/index.ts';
import { type DebuggingOptions, sessionOptions } from '../debugging.ts';
import { UserError } from '../errors.ts';
import { readInput } from '../files.ts';
import { out } from '../standard.ts';
import { print, tell } from '../terminal.ts';

export interface DebugOptions extends DebuggingOptions {
  /** file of commands */
  readonly command?: string;
  /** `[HOST:]PORT`, or `-` for standard input and output: gdb instead of a prompt */
  readonly gdb?: string;
  /** where an ELF file with the symbols goes */
  readonly symbolFile?: string;
}

const PROMPT = '(ebpf) ';

export async function debug(file: string, options: DebugOptions): Promise<void> {
  const session = await openOrRefused({ ...(await sessionOptions(file, options)), name: file });
  if (session instanceof Refused) return refusedPrompt(session, options);
  if (options.symbolFile !== undefined) writeSymbols(session, options.symbolFile);
  if (options.gdb !== undefined) return serveSession(session, file, options.gdb);
  let interrupt = new AbortController();
  const prompt = new DebugPrompt(session, {
    get signal() {
      return interrupt.signal;
    },
  });
  const abort = (): void => interrupt.abort();
  process.on('SIGINT', abort);
  try {
    await converse(prompt, options.command, () => {
      interrupt = new AbortController();
      return interrupt;
    });
  } finally {
    process.off('SIGINT', abort);
    session.close();
  }
}

/** The verifier's way to its refusal, as the command line's other users of it are told by the exit code. */
async function refusedPrompt(refused: Refused, { command, gdb, symbolFile }: DebugOptions): Promise<void> {
  if (gdb !== undefined || symbolFile !== undefined) {
    const { program, message, options } = refused;
    const reason = `the verifier refused ${program}: ${message}: there is nothing to run; \`ebpf-emu debug ${options.name}\` goes through its log`;
    if (gdb === '-')
      await serveGdb(
        new (await import('../../protocol/gdb/refusal.ts')).RefusalStub(reason),
        refused.options.name,
        gdb,
      );
    throw new UserError(reason);
  }
  await converse(new RefusedPrompt(refused), command, () => new AbortController());
  process.exitCode = 1;
}

/** What answers lines. */
interface Answers {
  greeting(): string;
  run(line: string): Promise<string>;
  complete(line: string): [string[], string];
}

/** A file of commands first, then what is typed. `begin` is asked at each line: Ctrl-C aborts what it gives. */
async function converse(prompt: Answers, commands: string | undefined, begin: () => AbortController): Promise<void> {
  let interrupt = begin();
  /** Runs a line; false where it ends the session. */
  const run = async (line: string): Promise<boolean> => {
    const [word = '', argument = ''] = line.trim().split(/\s+(.*)/);
    if (/^(q|quit|exit)$/.test(word)) return false;
    interrupt = begin();
    if (word === 'source') return runFile(argument, run);
    const said = await prompt.run(line);
    if (said !== '') print(`${said}\n`);
    return true;
  };
  print(`${prompt.greeting()}\n`);
  if (commands === undefined || (await runFile(commands, run))) await readLines(prompt, run, () => interrupt);
}

function writeSymbols(session: Session, file: string): void {
  try {
    writeFileSync(file, symbolFile(session));
  } catch (error) {
    throw FileError.from(error, file);
  }
}

const LOOPBACK = '127.0.0.1';

async function serveSession(session: Session, file: string, at: string): Promise<void> {
  try {
    await serveGdb(new (await import('../../protocol/gdb/stub.ts')).GdbStub(session), file, at);
  } finally {
    session.close();
  }
}

/** Serves one gdb, and ends with it. */
async function serveGdb(stub: Answering, file: string, at: string): Promise<void> {
  const protocol = await import('../../protocol/gdb/listen.ts');
  try {
    if (at === '-') return await protocol.serveGdb(stub, process.stdin, out.stream);
    const [, host, port] = /^(?:(.*):)?(\d{1,5})$/.exec(at) ?? [];
    if (port === undefined || Number(port) > 65535)
      throw new UserError(`--gdb ${at}: it takes [HOST:]PORT, or - for standard input and output`);
    const name = host?.replace(/^\[|\]$/g, '') || LOOPBACK;
    const listening = await protocol.listenForGdb(stub, name, Number(port)).catch((error) => {
      throw new UserError(`--gdb ${at}: ${(error as Error).message}`);
    });
    if (!/^(127\.|localhost$|::1$)/.test(name))
      tell(
        `whoever reaches ${listening.address} reads and changes this session: gdb's protocol asks nobody who they are\n`,
      );
    print(`${file} waits at its first hit: gdb -ex 'target remote ${listening.address}'\n`);
    await listening.done;
  } finally {
    process.stdin.destroy();
  }
}

/** A line at a time, with history and completion where there is a terminal; the lines themselves where there is none. */
async function readLines(
  prompt: Answers,
  run: (line: string) => Promise<boolean>,
  interrupt: () => AbortController,
): Promise<void> {
  const isTerminal = process.stdin.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    ...(isTerminal ? { output: out.stream, prompt: PROMPT, completer: (line: string) => prompt.complete(line) } : {}),
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
