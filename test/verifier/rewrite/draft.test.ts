/** Patching: what happens to jumps, calls, functions and origins when instructions become several or none. */
import { describe, expect, test } from 'vitest';
import { assemble, type Insn } from '../../../src/isa/index.ts';
import type { InsnAux, SubprogInfo, Verified, VerifierInput } from '../../../src/verifier/index.ts';
import { type Draft, RewriteError, rewrite } from '../../../src/verifier/rewrite/draft.ts';

const subprog = (start: number): SubprogInfo => ({
  start,
  stackDepth: 0,
  hasTailCall: false,
  tailCallReachable: false,
  hasLdAbs: false,
  isCallback: false,
  isAsyncCallback: false,
  isExceptionCb: false,
  name: `f${start}`,
});

function draftOf(source: string, starts = [0]): Draft {
  const insns = assemble(source).insns;
  return {
    insns,
    aux: insns.map((_, origIdx): InsnAux => ({ seen: true, origIdx })),
    subprogs: starts.map(subprog),
    verified: {} as Verified,
    input: {} as VerifierInput,
    kernel: {} as VerifierInput['kernel'],
    pokes: [],
    called: new Set(),
    inlined: new Set(),
  };
}
const text = (source: string): Insn[] => assemble(source).insns;
const nops = (n: number, last: Insn): Insn[] => [...text('r9 = 1\n'.repeat(n)), last];

describe('rewrite', () => {
  test('jumps over a patch stretch, in both directions', () => {
    const draft = draftOf('l:\nr0 = 0\nr1 = 1\nif r0 == 0x0 goto out\ngoto l\nout:\nexit');
    rewrite(draft, (i, at) => (at === 1 ? { insns: nops(2, i) } : undefined));
    expect(draft.insns).toEqual(text('l:\nr0 = 0\nr9 = 1\nr9 = 1\nr1 = 1\nif r0 == 0x0 goto out\ngoto l\nout:\nexit'));
    expect(draft.aux.map((a) => a.origIdx)).toEqual([0, 1, 1, 1, 2, 3, 4]);
  });

  test('a jump to a patched instruction goes to the start of the patch, or behind what only entry may pass', () => {
    const source = 'r0 = 0\nl:\nr1 = 1\ngoto l\nexit';
    const draft = draftOf(source);
    rewrite(draft, (i, at) => (at === 1 ? { insns: nops(1, i) } : undefined));
    expect(draft.insns).toEqual(text('r0 = 0\nl:\nr9 = 1\nr1 = 1\ngoto l\nexit'));
    const skipping = draftOf(source);
    rewrite(skipping, (i, at) => (at === 1 ? { insns: nops(1, i), jumpsSkip: 1 } : undefined));
    expect(skipping.insns).toEqual(text('r0 = 0\nr9 = 1\nl:\nr1 = 1\ngoto l\nexit'));
  });

  test('a jump that a patch makes out of itself counts what follows as it was', () => {
    const draft = draftOf('r1 = 1\nr2 = 2\nr3 = 3\nexit');
    rewrite(draft, (i, at) => {
      if (at === 0) return { insns: text('if r1 == 0x0 goto +2\nr9 = 1') };
      return at === 1 ? { insns: nops(3, i) } : undefined;
    });
    // two instructions on from the patch's end: behind r2, wherever that is now
    expect(draft.insns[0]).toMatchObject({ off: 5 });
  });

  test('what is removed one by one leaves a jump into it with what follows', () => {
    const source = 'r0 = 0\nif r0 == 0x0 goto l\ngoto +0\nl:\ngoto +0\nexit';
    const remove = (removal: 'in runs' | 'one by one'): Insn[] => {
      const draft = draftOf(source);
      rewrite(draft, (i) => (i.code === 0x05 ? { insns: [] } : undefined), removal);
      return draft.insns;
    };
    expect(remove('one by one')).toEqual(text('r0 = 0\nif r0 == 0x0 goto +0\nexit'));
    // bpf_remove_insns() leaves the distance of a jump into the middle of a run
    expect(remove('in runs')).toEqual(text('r0 = 0\nif r0 == 0x0 goto +1\nexit'));
  });

  test('a function without instructions is gone, and calls find the others', () => {
    const draft = draftOf('call g\nexit\nf:\nr0 = 1\nexit\ng:\nr0 = 2\nexit', [0, 2, 4]);
    rewrite(draft, (_, at) => (at === 2 || at === 3 ? { insns: [] } : undefined));
    expect(draft.subprogs.map((s) => [s.name, s.start])).toEqual([
      ['f0', 0],
      ['f4', 2],
    ]);
    expect(draft.insns).toEqual(text('call g\nexit\ng:\nr0 = 2\nexit'));
  });

  test('a jump that no longer fits is refused as the kernel does', () => {
    const draft = draftOf(`goto out\n${'r0 = 0\n'.repeat(20000)}out:\nexit`);
    expect(() => rewrite(draft, (i, at) => (at > 0 && at < 20000 ? { insns: [i, i] } : undefined))).toThrow(
      RewriteError,
    );
  });
});
