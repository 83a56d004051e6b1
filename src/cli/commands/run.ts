/** `ebpf-emu prog run`: BPF_PROG_TEST_RUN of one program, with the answers of `bpftool prog run`. */
import { writeFileSync } from 'node:fs';
import type { Kernel } from '../../../kernel-sim/index.ts';
import { UserError } from '../errors.ts';
import { readData, readInput } from '../files.ts';
import { boot, type KernelOptions, openInput } from '../session.ts';
import { hexBytes, warn } from '../style.ts';

export interface RunOptions extends KernelOptions {
  readonly type: string;
  readonly dataIn?: string;
  readonly ctxIn?: string;
  readonly dataOut?: string;
  readonly ctxOut?: string;
  readonly repeat: number;
  readonly maxInsns?: number;
  readonly verify: boolean;
  readonly json?: boolean;
}

type KernelProgram = ReturnType<Kernel['bpf']['progLoad']>;
type Result = ReturnType<KernelProgram['testRun']>;

export async function progRun(file: string, options: RunOptions): Promise<void> {
  const kernel = await boot(options);
  const program = await pick(file, kernel, options);
  const started = performance.now();
  const result = program.testRun({
    repeat: options.repeat,
    ...(options.dataIn === undefined ? {} : { dataIn: readData(options.dataIn) }),
    ...(options.ctxIn === undefined ? {} : { ctxIn: readData(options.ctxIn) }),
    ...(options.maxInsns === undefined ? {} : { maxInsns: options.maxInsns }),
  });
  // the kernel's own clock stands still within a run: what a run takes is measured here
  const duration = Math.round(((performance.now() - started) * 1e6) / options.repeat);
  if (options.dataOut !== undefined) writeFileSync(options.dataOut, result.dataOut);
  if (options.ctxOut !== undefined) writeFileSync(options.ctxOut, result.ctxOut);
  if (options.json) console.log(JSON.stringify(model(result, duration), null, 2));
  else process.stdout.write(text(result, duration, kernel.tracePipe.read(), options));
}

const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/** The one program of the object, the one that -p names, or raw instructions. */
async function pick(file: string, kernel: Kernel, options: RunOptions): Promise<KernelProgram> {
  const verify = options.verify;
  if (!file.endsWith('.c') && !readInput(file).subarray(0, 4).equals(ELF_MAGIC)) {
    const insns = readData(file);
    if (insns.length % 8 !== 0)
      throw new UserError(`${file}: neither an object file nor whole 8-byte instructions (${insns.length} bytes)`);
    return kernel.bpf.progLoad({ type: options.type, insns, license: 'GPL', verify });
  }
  const object = await openInput(file, kernel, options);
  const names = options.program ?? object.programs.map((p) => p.name);
  const [name] = names;
  if (name === undefined) throw new UserError(`${file}: it holds no program`);
  if (names.length > 1) throw new UserError(`${file}: several programs; name one with -p: ${names.join(', ')}`);
  const loaded = object.load(kernel, { programs: [name], verify });
  for (const warning of loaded.warnings) warn(warning);
  return (loaded.programs[name] as { handle: KernelProgram }).handle;
}

const model = (r: Result, duration: number) => ({
  retval: r.retval,
  r0: `0x${r.r0.toString(16)}`,
  duration,
  insns: r.insns,
  data_out: Buffer.from(r.dataOut).toString('hex'),
  ctx_out: Buffer.from(r.ctxOut).toString('hex'),
});

/** bpftool's words, its hex dump included; what the program wrote to trace_pipe first. */
function text(r: Result, duration: number, traced: string, options: RunOptions): string {
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
