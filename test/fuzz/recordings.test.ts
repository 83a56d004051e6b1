import { expect, it } from 'vitest';
import { recordingCampaign } from './recording-campaign.ts';

it('damaged recordings cost their own lines, and never the next recording', async () => {
  const report = await recordingCampaign(2, 60);
  expect(report.findings).toEqual([]);
  expect(report.calls).toBeGreaterThan(1000);
});
