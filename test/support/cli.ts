/** Runs a command line in this process and catches what it writes. */
import { run } from '../../src/cli/main.ts';
import { err as standardError, out as standardOutput } from '../../src/cli/standard.ts';

export interface CliResult {
  readonly stdout: string;
  readonly stderr: string;
  /** both, in the order written */
  readonly all: string;
  readonly code: number;
}

export async function cli(...args: string[]): Promise<CliResult> {
  const out: string[] = [];
  const err: string[] = [];
  const all: string[] = [];
  const before = { out: process.stdout.write, err: process.stderr.write, code: process.exitCode };
  const { log, error } = console;
  const catcher = (into: string[]) =>
    ((chunk: string | Uint8Array) => {
      const text = typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString();
      into.push(text);
      all.push(text);
      return true;
    }) as typeof process.stdout.write;
  process.stdout.write = catcher(out);
  process.stderr.write = catcher(err);
  standardOutput.redirect(process.stdout.write);
  standardError.redirect(process.stderr.write);
  console.log = (text: string) => void process.stdout.write(`${text}\n`);
  console.error = (text: string) => void process.stderr.write(`${text}\n`);
  process.exitCode = 0;
  try {
    await run(['node', 'ebpf-emu', ...args]);
    return { stdout: out.join(''), stderr: err.join(''), all: all.join(''), code: Number(process.exitCode) };
  } finally {
    process.stdout.write = before.out;
    process.stderr.write = before.err;
    process.exitCode = before.code;
    standardOutput.redirect();
    standardError.redirect();
    Object.assign(console, { log, error });
  }
}
