/** Damaged recordings cost their own lines, and never the next recording. */
import { expect, it } from 'vitest';
import { recordingCampaign } from '../fuzz/recording-campaign.ts';

it('2000 damaged recordings', async () => {
  const report = await recordingCampaign(1, 2000);
  console.log(
    `${report.steps} steps, ${report.calls} calls, ${report.unreadable} lines not readable, ${report.findings.length} findings`,
  );
  expect(report.findings).toEqual([]);
});
