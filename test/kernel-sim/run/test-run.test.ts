/** PROG_TEST_RUN: limits, errors and results against the real kernel; what a run leaves behind; how it ends early. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { BpfError, type EngineName, Kernel } from '../../../src/index.ts';
import { errno } from '../../support/errno.ts';

type Bytes = string | [byte: string, count: number] | null;
type Row = [
  type: string,
  attach: string,
  flags: number,
  insns: string,
  data: Bytes,
  ctx: Bytes,
  result: number | string,
  out?: Bytes,
];

const decode = (b: Bytes): Uint8Array | undefined =>
  b === null ? undefined : Uint8Array.from(Buffer.from(typeof b === 'string' ? b : b[0].repeat(b[1]), 'hex'));
const rows = readFileSync(new URL('golden/test-run.golden.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Row);

describe.each<EngineName>(['interp', 'step', 'jit'])('%s', (engine) => {
  let kernel: Kernel;
  beforeAll(async () => {
    kernel = await Kernel.boot({ engine });
  });

  it('takes what the real kernel takes, and gives what it gives', () => {
    const wrong: string[] = [];
    for (const [type, attach, flags, insns, data, ctx, want, out] of rows) {
      const prog = kernel.bpf.progLoad({
        type,
        insns,
        license: 'GPL',
        flags,
        ...(attach ? { expectedAttachType: attach } : {}),
      });
      const [dataIn, ctxIn] = [decode(data), decode(ctx)];
      let got: string;
      try {
        const r = prog.testRun({ ...(dataIn ? { dataIn } : {}), ...(ctxIn ? { ctxIn } : {}) });
        got = `${r.retval} ${Buffer.from(r.dataOut).toString('hex')}`;
      } catch (error) {
        if (!(error instanceof BpfError)) throw error;
        got = error.errno;
      }
      const expected =
        typeof want === 'string' ? want : `${want} ${Buffer.from(decode(out ?? '') ?? []).toString('hex')}`;
      if (got !== expected)
        wrong.push(
          `${type} ${JSON.stringify(data)?.slice(0, 60)} ${JSON.stringify(ctx)?.slice(0, 60)}: ${got.slice(0, 80)}, Linux ${expected.slice(0, 80)}`,
        );
      prog.close();
    }
    expect(wrong).toEqual([]);
  });

  it('passes an unverified program its context and its length, and repeats it', () => {
    // r0 = *(u32 *)r1 + r2; *(u32 *)r1 = r0
    const insns = '61100000000000000f200000000000006301000000000000 9500000000000000';
    const prog = kernel.bpf.progLoad({ type: 'syscall', insns, license: 'GPL', verify: false });
    const r = prog.testRun({ ctxIn: Uint8Array.of(1, 0, 0, 0, 9), repeat: 3 });
    expect(r).toMatchObject({ retval: 16, r0: 16n, insns: 12 });
    expect(r.ctxOut).toEqual(Uint8Array.of(16, 0, 0, 0, 9));
    expect(prog.testRun({ ctxIn: new Uint8Array(65536) }).retval).toBe(65536);
  });

  it('stops a runaway program, a wild pointer and an endless recursion, and goes on', () => {
    const load = (insns: string) => kernel.bpf.progLoad({ type: 'syscall', insns, license: 'GPL', verify: false });
    expect(errno(() => load('0500ffff000000009500000000000000').testRun({ maxInsns: 10_000 }))).toBe('EINTR');
    expect(errno(() => load('61110000000000009500000000000000').testRun())).toBe('EFAULT');
    expect(errno(() => load('85100000ffffffff9500000000000000').testRun())).toBe('EFAULT');
    expect(load('b7000000070000009500000000000000').testRun().retval).toBe(7);
  });
});
