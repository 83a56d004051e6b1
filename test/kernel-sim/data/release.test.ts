import { describe, expect, it } from 'vitest';
import { inRelease } from '../../../kernel-sim/data/release.ts';

describe('rows of other releases', () => {
  it('since is the first release that has it, until the first that has it no more', () => {
    const row = { since: '5.18', until: '6.10' } as const;
    expect(['5.17.15', '5.18.0', '6.9.12', '6.10', '6.12.117+deb12-amd64'].map((r) => inRelease(row, r))).toEqual([
      false,
      true,
      true,
      false,
      false,
    ]);
  });
  it('a row without columns is in every release', () => {
    expect(inRelease({}, '3.0')).toBe(true);
  });
});
