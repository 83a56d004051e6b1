/** Random programs agree on all engines; `npm run fuzz` runs any number of them. */
import { expect, it } from 'vitest';
import { campaign } from './campaign.ts';

it.each([
  ['plain', 100, 100],
  ['verified', 30, 30],
  ['sound', 50, 8],
] as const)(
  'runs random programs alike on every engine: %s',
  async (mode, count, least) => {
    const report = await campaign(mode, 1, count);
    expect(report.findings).toEqual([]);
    expect(report.loaded).toBeGreaterThanOrEqual(least);
  },
  120_000,
);
