/** Programs that skip the verifier: what is taken as it is, and what no engine could run alike. */
import { describe, expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { assemble, BPF_ALU, BPF_MOV, BPF_X, type Insn, insn, writeInsns } from '../../../src/isa/index.ts';

const ENGINES = ['jit', 'step', 'interp'] as const;

async function results(insns: readonly Insn[]): Promise<bigint[]> {
  const out: bigint[] = [];
  for (const engine of ENGINES) {
    const { bpf } = await Kernel.boot({ engine });
    const prog = bpf.progLoad({ type: 'xdp', license: 'GPL', insns: writeInsns(insns), verify: false });
    out.push(BigInt(prog.testRun({ dataIn: new Uint8Array(64) }).retval));
  }
  return out;
}

describe('verify: false', () => {
  it.each(['r0 -= r0', 'r0 ^= r0', 'w0 -= w0', 'w0 ^= w0'])('takes %s for a way to make a zero', async (clear) => {
    expect(await results(assemble(`${clear}\nr0 += 7\nexit`).insns)).toEqual([7n, 7n, 7n]);
  });

  it('takes the zero extension that the verifier adds', async () => {
    const zext = insn(BPF_ALU | BPF_MOV | BPF_X, 0, 0, 0, 1);
    const set = assemble('r0 = 0x100000005 ll').insns;
    expect(await results([...set, zext, ...assemble('exit').insns])).toEqual([5n, 5n, 5n]);
  });

  it('refuses arithmetic on what nothing has set', async () => {
    await expect(results(assemble('r0 -= r3\nexit').insns)).rejects.toThrow(
      'R0 is read before anything is stored in it',
    );
  });
});
