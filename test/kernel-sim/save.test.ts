import { describe, expect, it } from 'vitest';
import { replayProof, testRunProof } from './support/save-proof.ts';
import { ENGINES } from './support/save-world.ts';

describe.each(ENGINES)('save and restore of a kernel, engine %s', (engine) => {
  it('a replay goes the same way again from wherever it was saved', async () => {
    expect(await replayProof(engine, 1, 1, 1)).toEqual([]);
  });

  it('so does a test run, timers and all', async () => {
    expect(await testRunProof(engine, 1, 1, 1)).toEqual([]);
  });
});
