import { describe, expect, it } from 'vitest';
import { first, full } from '../support/depth.ts';
import { inFreshProcess } from './support/fresh-process.ts';
import { type Moment, proof } from './support/save-proof.ts';
import { ENGINES } from './support/save-world.ts';

describe('save and restore of a kernel', () => {
  const TRIED = first(1, ENGINES);
  const moments: Moment[] = [];

  describe.each(TRIED)('engine %s', (engine) => {
    it.each(['replay', 'test run'] as const)(
      'a %s goes the same way again from wherever it was saved',
      async (kind) => {
        const { wrong, moments: seen } = await proof(engine, kind, 1, 1);
        expect(wrong).toEqual([]);
        moments.push(...seen);
      },
    );
  });

  // starting one takes seconds: `npm run test:slow` does, here and at every point of test/slow/save.test.ts
  if (full)
    it('a fresh process arrives at the same bytes', () => {
      expect(moments).toHaveLength(2 * TRIED.length);
      expect(inFreshProcess(moments)).toEqual(moments.map(({ digest }) => digest));
    });
});
