/** Random programs agree on all engines; `npm run fuzz` runs any number of them. */
import { expect, it } from 'vitest';
import { many } from '../support/depth.ts';
import { campaign } from './campaign.ts';

it.each([
  ['plain', many(30, 100), many(30, 100)],
  ['verified', many(10, 30), many(10, 30)],
  ['sound', many(15, 50), many(1, 8)],
] as const)(
  'runs random programs alike on every engine: %s',
  async (mode, count, least) => {
    const report = await campaign(mode, 1, count);
    expect(report.findings).toEqual([]);
    expect(report.loaded).toBeGreaterThanOrEqual(least);
  },
  120_000,
);
