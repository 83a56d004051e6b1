/** A rejection as data, with and without a level asked for. */
import { describe, expect, it } from 'vitest';
import { assemble, BpfError, BpfObject, Kernel } from '../../src/index.ts';

async function refused(act: (kernel: Kernel) => unknown): Promise<BpfError> {
  const kernel = await Kernel.boot();
  try {
    act(kernel);
  } catch (error) {
    if (error instanceof BpfError) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('of an object', () => {
  it('says the C line, the registers and how they came about', async () => {
    const error = await refused((kernel) => BpfObject.open('fixtures/rejected.o').load(kernel));
    const explanation = error.explain();
    expect(explanation).toMatchObject({
      message: "R0 invalid mem access 'map_value_or_null'",
      source: { text: '*n += 1;', file: expect.stringMatching(/rejected\.c$/), line: expect.any(Number) },
      insn: { text: expect.stringMatching(/^r\d = \*\(u64 \*\)\(r0 \+0\)$/) },
      registers: { R10: 'fp0', R0: expect.stringContaining('map_value_or_null') },
      causes: [{ register: 'r0', text: 'call bpf_map_lookup_elem#1' }],
      advice: expect.stringContaining('NULL'),
    });
    expect(JSON.parse(JSON.stringify(explanation))).toEqual(explanation);
  });
});

describe('of instructions', () => {
  const text = 'r1 = *(u64 *)(r10 -8)\nr2 = r1\nr2 += 8\nr0 = *(u64 *)(r2 +0)\nexit';
  const load = (kernel: Kernel, logLevel?: number) =>
    kernel.bpf.progLoad({
      type: 'socket_filter',
      insns: assemble(text).insns,
      license: 'GPL',
      ...(logLevel === undefined ? {} : { logLevel }),
    });

  it('has the log without a level', async () => {
    const [without, asked] = [await refused((kernel) => load(kernel)), await refused((kernel) => load(kernel, 1))];
    expect(without.log).toBe(asked.log);
    expect(without.message).toBe(asked.message);
  });

  it('follows a register through moves and changes', async () => {
    const { insn, causes, source } = (await refused((kernel) => load(kernel))).explain()!;
    expect(insn).toEqual({ index: 3, text: 'r0 = *(u64 *)(r2 +0)', source: undefined });
    expect(source).toBeUndefined();
    expect(causes.map(({ index, register }) => [index, register])).toEqual([
      [2, 'r2'],
      [1, 'r2'],
      [0, 'r1'],
    ]);
  });

  it('is nothing where the verifier was not asked', async () => {
    const error = await refused((kernel) =>
      kernel.bpf.progLoad({ type: 'xdp', insns: new Uint8Array(8).fill(0xff), expectedAttachType: 1, license: '' }),
    );
    expect(error.explain()?.message ?? error.message).not.toBe('');
    expect(
      (
        await refused((kernel) => kernel.bpf.mapCreate({ type: 'hash', keySize: 0, valueSize: 8, maxEntries: 1 }))
      ).explain(),
    ).toBeUndefined();
  });
});
