import { describe, expect, it } from 'vitest';
import { replayProof, testRunProof } from '../kernel-sim/support/save-proof.ts';
import { ENGINES } from '../kernel-sim/support/save-world.ts';

describe.each(ENGINES)('save and restore of a kernel, engine %s', (engine) => {
  it('a replay goes the same way again from each of 70 points, in a fresh kernel too', {
    timeout: 600_000,
  }, async () => {
    expect(await replayProof(engine, 20, 70, 5)).toEqual([]);
  });

  it('so does a test run from each of 30 points', { timeout: 600_000 }, async () => {
    expect(await testRunProof(engine, 21, 30, 5)).toEqual([]);
  });
});
