/** Random programs that go through the verifier: what it accepts agrees on all engines and never faults. */
import { expect, it } from 'vitest';
import { campaign } from '../fuzz/campaign.ts';

it.each([
  ['verified', 300],
  ['sound', 500],
] as const)('%s: %i random programs', async (mode, count) => {
  const report = await campaign(mode, 1_000_000, count);
  console.log(
    `${mode}: ${report.loaded} of ${count} loaded, ${report.executed} instructions, ${report.findings.length} findings`,
  );
  expect(report.findings).toEqual([]);
});
