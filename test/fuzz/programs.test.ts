/** Random programs agree on all engines; `npm run fuzz` runs any number of them. */
import { expect, it } from 'vitest';
import { campaign } from './campaign.ts';

it.each([
  ['plain', 150, 150],
  ['verified', 40, 36],
  ['sound', 60, 5],
] as const)('runs random programs alike on every engine: %s', async (mode, count, least) => {
  const report = await campaign(mode, 1, count);
  expect(report.findings).toEqual([]);
  expect(report.loaded).toBeGreaterThanOrEqual(least);
});
