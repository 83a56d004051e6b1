/** More random programs than `npm test` runs, from other seeds. */
import { expect, it } from 'vitest';
import { campaign } from '../fuzz/campaign.ts';

it.each([
  ['plain', 2000],
  ['verified', 500],
  ['sound', 1500],
] as const)('%s: %i random programs', async (mode, count) => {
  const report = await campaign(mode, 1_000_000, count);
  console.log(
    `${mode}: ${report.loaded} of ${count} loaded, ${report.executed} instructions, ${report.findings.length} findings`,
  );
  expect(report.findings).toEqual([]);
});
