/** The real processor's side: compiles runner.c once and feeds it batches. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { arch, platform, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { form } from '../../../src/x86/index.ts';
import type { Case } from './generate.ts';
import { CODE_AT, FLAG_MASK, INPUT_BYTES, OUTPUT_BYTES, WINDOW_BYTES } from './layout.ts';
import type { Outcome } from './outcome.ts';

let runner: string | undefined | null;

/** Path of the compiled runner, undefined where the host is not x86-64 Linux with a C compiler. */
export function hostRunner(): string | undefined {
  if (runner !== undefined) return runner ?? undefined;
  runner = null;
  if (arch() !== 'x64' || platform() !== 'linux') return undefined;
  try {
    const path = join(mkdtempSync(join(tmpdir(), 'cpu-diff-')), 'runner');
    execFileSync('cc', ['-O1', '-o', path, fileURLToPath(new URL('runner.c', import.meta.url))], { stdio: 'ignore' });
    runner = path;
    return path;
  } catch {
    return undefined;
  }
}

export function runOnHost(cases: readonly Case[]): Outcome[] {
  const input = Buffer.alloc(cases.length * INPUT_BYTES);
  cases.forEach((c, n) => {
    const at = n * INPUT_BYTES;
    input.fill(0xcc, at, at + 16);
    input.set(c.code, at);
    c.regs.forEach((value, r) => {
      input.writeBigUInt64LE(value, at + 16 + r * 8);
    });
    input.writeBigUInt64LE(BigInt(c.rflags), at + 144);
    input.set(c.window, at + 152);
    input.set(c.xmm, at + 152 + WINDOW_BYTES);
  });
  const result = spawnSync(hostRunner() as string, {
    input,
    maxBuffer: cases.length * OUTPUT_BYTES + 4096,
    timeout: 20_000,
  });
  const out = result.stdout;
  if (result.status !== 0 || out.length !== cases.length * OUTPUT_BYTES) {
    throw new Error(`runner ended ${result.status ?? result.signal} with ${out.length} bytes: ${result.stderr}`);
  }
  return cases.map((c, n) => readOutcome(out, n * OUTPUT_BYTES, c));
}

function readOutcome(out: Buffer, at: number, c: Case): Outcome {
  const u64 = (i: number): bigint => out.readBigUInt64LE(at + i * 8);
  const regs = new BigUint64Array(16);
  for (let i = 0; i < 16; i++) regs[i] = u64(5 + i);
  let trap = Number(u64(0));
  let rip = u64(3);
  const start = BigInt(CODE_AT);
  const faultedThere = rip === start;
  if (trap === 3 && form(c.row).mnemonic !== 'int3') {
    trap = -1; // the int3 behind the instruction
    rip -= 1n;
  } else if (!faultedThere && trap !== 3 && trap !== 1) trap = -1; // it completed, and fetching from its target faulted
  return {
    trap,
    error: Number(u64(1)),
    cr2: u64(2),
    rip,
    rflags: Number(u64(4)) & FLAG_MASK,
    regs,
    window: new Uint8Array(out.subarray(at + 168, at + 168 + WINDOW_BYTES)),
    xmm: new Uint8Array(out.subarray(at + 168 + WINDOW_BYTES, at + OUTPUT_BYTES)),
  };
}
