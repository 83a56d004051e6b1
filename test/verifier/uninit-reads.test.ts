/** Reads of stack that was never written: accepted with CAP_PERFMON and noted, refused without (Linux 6.12, allow_uninit_stack). */
import { expect, it } from 'vitest';
import { BpfError, Kernel } from '../../kernel-sim/index.ts';
import { uninitialisedReads } from '../../src/explain/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';

const TEXT = `r0 = 0
*(u64 *)(r10 -8) = r0
r1 = *(u64 *)(r10 -8)
r2 = *(u64 *)(r10 -16)
r0 = 0
exit`;

it('are noted where they are accepted, and refused where they are not', async () => {
  const kernel = await Kernel.boot();
  const load = (unpriv: boolean) =>
    kernel.bpf.progLoad({
      type: 'socket_filter',
      insns: writeInsns(assemble(TEXT).insns),
      license: 'GPL',
      logLevel: 1,
      unpriv,
    });
  const { uninitReads } = load(false);
  expect(uninitReads).toEqual([3]);
  expect(uninitialisedReads(uninitReads)).toMatch(
    /^instruction 3 reads stack that was never written: loads with CAP_PERFMON may/,
  );
  expect(uninitialisedReads([])).toBeUndefined();
  const refused = (): unknown => {
    try {
      return load(true);
    } catch (error) {
      return error;
    }
  };
  const error = refused();
  expect(error).toBeInstanceOf(BpfError);
  expect((error as BpfError).log).toMatch(/^invalid read from stack/m);
});
