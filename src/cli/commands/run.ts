/** `ebpf-emu prog run`: BPF_PROG_TEST_RUN of one program, with the answers of `bpftool prog run`. */

import type {
  Kernel,
  Program as KernelProgram,
  TestRunOptions,
  TestRunProgress,
  TestRunResult,
} from '../../../kernel-sim/index.ts';
import { hexBytes } from '../../platform/index.ts';
import { grouped } from '../../show/grouped.ts';
import { UserError } from '../errors.ts';
import { readData, readInput, unhex, writeOutput } from '../files.ts';
import { INTERRUPTED, onInterrupt } from '../interrupt.ts';
import { loadOptions } from '../loading.ts';
import { Progress } from '../progress.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { milliseconds, stage, warn } from '../style.ts';
import { print } from '../terminal.ts';

export interface RunOptions extends KernelOptions {
  readonly dataIn?: string;
  readonly ctxIn?: string;
  readonly dataOut?: string;
  readonly ctxOut?: string;
  readonly repeat: number;
  /** a capture: a run a packet */
  readonly pcap?: string;
  readonly maxInsns?: number;
  readonly verify: boolean;
  readonly json?: boolean;
}

export async function progRun(file: string, options: RunOptions): Promise<void> {
  const kernel = await boot(options);
  const program = await pick(file, kernel, options);
  if (options.pcap !== undefined) {
    const { runCapture } = await import('./run-pcap.ts');
    runCapture(program, options.pcap, { ...options, traced: () => kernel.tracePipe.read() });
    return;
  }
  const input = {
    repeat: options.repeat,
    ...(options.dataIn === undefined ? {} : { dataIn: readData(options.dataIn) }),
    ...(options.ctxIn === undefined ? {} : { ctxIn: readData(options.ctxIn) }),
    ...(options.maxInsns === undefined ? {} : { maxInsns: options.maxInsns }),
  };
  const progress = new Progress();
  const result = await runToEnd(program, input, progress);
  if (result === undefined) return;
  // the kernel's own clock stands still within a run: what a run takes is measured here
  const duration = Math.round((progress.elapsed * 1e6) / options.repeat);
  if (options.dataOut !== undefined) writeOutput(options.dataOut, result.dataOut);
  if (options.ctxOut !== undefined) writeOutput(options.ctxOut, result.ctxOut);
  if (options.json) print(`${JSON.stringify(model(result, duration), null, 2)}\n`);
  else print(text(result, duration, kernel.tracePipe.read(), options));
}

/** The run with Ctrl-C answered and progress shown; undefined where it was interrupted, which is said. */
async function runToEnd(
  program: KernelProgram,
  input: TestRunOptions,
  progress: Progress,
): Promise<TestRunResult | undefined> {
  const { signal, forget } = onInterrupt();
  const repeat = input.repeat ?? 1;
  let last: TestRunProgress = { runs: 0, insns: 0 };
  const how = (): string =>
    `${grouped(last.insns)} BPF instructions${repeat > 1 ? `, ${grouped(last.runs)} of ${grouped(repeat)} runs` : ''}`;
  try {
    return await program.run({
      ...input,
      signal,
      onProgress: (made) => {
        last = made;
        progress.show(how);
      },
    });
  } catch (error) {
    if (!signal.aborted) throw error;
    progress.clear();
    stage('done', `interrupted after ${how()} in ${milliseconds(progress.elapsed)}`);
    process.exitCode = INTERRUPTED;
    return undefined;
  } finally {
    progress.clear();
    forget();
  }
}

const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/** The one program of the object, the one that -p names, or raw instructions. */
async function pick(file: string, kernel: Kernel, options: RunOptions): Promise<KernelProgram> {
  const verify = options.verify;
  const bytes = file.endsWith('.c') ? undefined : readInput(file);
  if (bytes && !bytes.subarray(0, 4).equals(ELF_MAGIC)) {
    const insns = unhex(bytes);
    if (insns.length % 8 !== 0)
      throw new UserError(`${file}: neither an object file nor whole 8-byte instructions (${insns.length} bytes)`);
    return kernel.bpf.progLoad({ type: options.type ?? 'socket_filter', insns, license: 'GPL', verify });
  }
  const object = await openInput(file, kernel, options, bytes);
  const names = options.program ?? object.programs.map((p) => p.name);
  const [name] = names;
  if (name === undefined) throw new UserError(`${file}: it holds no program`);
  if (names.length > 1) throw new UserError(`${file}: several programs; name one with -p: ${names.join(', ')}`);
  const loaded = object.load(kernel, { ...loadOptions(object, { ...options, program: [name] }), verify });
  for (const warning of loaded.warnings) warn(warning);
  for (const { why } of loaded.skipped) throw new UserError(`${file}: ${why}`);
  return (loaded.programs[name] as { handle: KernelProgram }).handle;
}

const model = (r: TestRunResult, duration: number) => ({
  retval: r.retval,
  r0: `0x${r.r0.toString(16)}`,
  duration,
  insns: r.insns,
  data_out: Buffer.from(r.dataOut).toString('hex'),
  ctx_out: Buffer.from(r.ctxOut).toString('hex'),
});

/** bpftool's words, its hex dump included; what the program wrote to trace_pipe first. */
function text(r: TestRunResult, duration: number, traced: string, options: RunOptions): string {
  const out = [traced.trimEnd()];
  if (r.dataOut.length > 0 && options.dataOut === undefined) out.push('Data:', ...hexdump(r.dataOut));
  if (r.ctxOut.length > 0 && options.ctxOut === undefined) out.push('Context:', ...hexdump(r.ctxOut));
  const average = options.repeat > 1 ? ' (average)' : '';
  out.push(`Return value: ${r.retval}, duration${average}: ${duration}ns, ${r.insns} BPF instructions`);
  return `${out.filter((line) => line !== '').join('\n')}\n`;
}

function hexdump(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    const hex = hexBytes(row);
    const ascii = Array.from(row, (b) => (b >= 0x20 && b < 0x7f ? String.fromCharCode(b) : '.')).join('');
    lines.push(`${at.toString(16).padStart(7, '0')} ${hex.padEnd(47)}  ${ascii}`);
  }
  return lines;
}
