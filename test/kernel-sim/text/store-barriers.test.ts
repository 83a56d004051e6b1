/** Where a store into the stack may be passed by a load (Spectre v4), an unprivileged program gets a barrier behind it. */
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { assemble, readInsns, writeInsns } from '../../../src/isa/index.ts';

const NOSPEC = 0xc2;
const SIZES = [1, 2, 4, 8];
const STORES = SIZES.flatMap((size) => Array.from({ length: 8 / size }, (_, n) => ({ size, at: -8 + n * size })));

it('only behind stores over bytes that nothing wrote before, as seen on 6.12.117 for each pair of two', async () => {
  const kernel = await Kernel.boot({ mitigations: true });
  const text = ({ size, at }: (typeof STORES)[number]) => `*(u${8 * size} *)(r10 ${at}) = 2`;
  for (const first of STORES)
    for (const second of STORES) {
      const insns = writeInsns(assemble(`${text(first)}\n${text(second)}\nr0 = 0\nexit`).insns);
      const prog = kernel.bpf.progLoad({ type: 'socket_filter', insns, license: 'GPL', unpriv: true });
      const codes = readInsns(prog.xlated).map(({ code }) => code);
      const isCovered = second.at >= first.at && second.at + second.size <= first.at + first.size;
      expect(
        codes.filter((code) => code === NOSPEC),
        `${text(first)}; ${text(second)}`,
      ).toHaveLength(isCovered ? 1 : 2);
      prog.close();
    }
});
