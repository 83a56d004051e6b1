/** Random programs agree on all engines; `npm run fuzz` runs any number of them. */
import { expect, it } from 'vitest';
import { campaign } from './campaign.ts';

it('runs 200 random programs alike on every engine', async () => {
  const report = await campaign(1, 200);
  expect(report.findings).toEqual([]);
  expect(report.executed).toBeGreaterThan(10_000);
});
