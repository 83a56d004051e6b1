import { describe, expect, it } from 'vitest';
import { inFreshProcess } from '../kernel-sim/support/fresh-process.ts';
import { type Moment, proof } from '../kernel-sim/support/save-proof.ts';
import { ENGINES } from '../kernel-sim/support/save-world.ts';

const fresh = (moments: readonly Moment[]): void =>
  expect(inFreshProcess(moments)).toEqual(moments.map(({ digest }) => digest));

describe.each(ENGINES)('save and restore of a kernel, engine %s', (engine) => {
  it('a replay goes the same way again from each of 70 points, in a fresh kernel and a fresh process too', {
    timeout: 600_000,
  }, async () => {
    const { wrong, moments } = await proof(engine, 'replay', 20, 70, 5);
    expect(wrong).toEqual([]);
    fresh(moments);
  });

  it('so does a test run from each of 30 points', { timeout: 600_000 }, async () => {
    const { wrong, moments } = await proof(engine, 'test run', 21, 30, 5);
    expect(wrong).toEqual([]);
    fresh(moments);
  });
});
