/** Differences of texts and of programs. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Kernel } from '../../kernel-sim/index.ts';
import { BpfObject } from '../../src/object/index.ts';
import { type Compared, compared, differs, diffText } from '../../src/show/index.ts';
import { unified } from '../../src/show/lines.ts';

it("the example of Myers's paper: ABCABBA to CBABAC in five edits", () => {
  const lines = unified([...'ABCABBA'], [...'CBABAC'], 10).slice(1);
  expect(lines.filter((l) => !l.startsWith(' ')).length).toBe(5);
  const side = (mark: string): string =>
    lines.flatMap((l) => (l[0] === ' ' || l[0] === mark ? [l.slice(1)] : [])).join('');
  expect([side('-'), side('+')]).toEqual(['ABCABBA', 'CBABAC']);
});

it('both texts can be read out of what is shown', () => {
  const text = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const lines = unified(a, b, 100).slice(1);
      if (a.join() === b.join()) return lines.length === 0;
      const side = (mark: string): string[] =>
        lines.flatMap((l) => (l[0] === ' ' || l[0] === mark ? [l.slice(1)] : []));
      return side('-').join() === a.join() && side('+').join() === b.join();
    }),
    { seed: 1, numRuns: 300 },
  );
});

it('only what is near a change is shown', () => {
  const a = Array.from({ length: 20 }, (_, n) => `line ${n}`);
  const b = a.with(10, 'another');
  expect(unified(a, b, 1)).toEqual(['@@ -10 +10 @@', ' line 9', '-line 10', '+another', ' line 11']);
});

const program = (name: string, more: Partial<Compared> = {}): Compared => ({
  name,
  lines: [],
  insns: 10,
  image: 100,
  stack: 8,
  verified: 12,
  states: 1,
  ...more,
});

it('programs by name, with what each costs', () => {
  const a = [program('kept'), program('gone'), program('slow')];
  const b = [program('kept'), program('slow', { verified: 18 }), program('fresh', { refused: 'R0 !read_ok' })];
  expect(diffText(a, b)).toBe(
    `kept: the same
gone: only in the first
slow:
  instructions           10
  image bytes            100
  stack bytes            8
  verified instructions  12 -> 18 (+6, +50.0%)
  verifier states        1
fresh: only in the second
`,
  );
  expect(differs(a, a)).toBe(false);
  expect(differs(a, b)).toBe(true);
  expect(diffText([program('p')], [program('p', { refused: 'R0 !read_ok' })])).toBe(
    'p: accepted -> refused: R0 !read_ok\n',
  );
});

it('ids of maps and distances of helpers are no differences', async () => {
  const kernel = await Kernel.boot();
  const load = (): Compared => {
    const bytes = readFileSync(new URL('../../fixtures/opens.o', import.meta.url));
    const loaded = BpfObject.open(bytes, { name: 'opens.o' }).load(kernel, { logLevel: 4 });
    const [p] = Object.values(loaded.programs);
    return compared(kernel, p as NonNullable<typeof p>, loaded.object.model.btf);
  };
  const [a, b] = [load(), load()];
  expect(a.lines.join('\n')).toContain('= map\n');
  expect(a.insns).toBe(30);
  expect(diffText([a], [b])).toBe('count_opens: the same\n');
});
