/** `npm run fuzz:recordings -- --seed S --count N`: damaged recordings are read and replayed. Ends 1 where one is more than a loss of its own lines. */
import { parseArgs } from 'node:util';
import { recordingCampaign } from './recording-campaign.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '2000' } },
});
const [seed, count] = [Number(values.seed), Number(values.count)];
if (!Number.isInteger(seed) || !Number.isInteger(count) || count < 1) {
  console.error('usage: npm run fuzz:recordings -- [--seed NUMBER] [--count NUMBER]');
  process.exit(2);
}
const report = await recordingCampaign(seed, count, (done) => {
  if (done % 1000 === 0) console.error(`${done} of ${count}`);
});
for (const finding of report.findings) console.log(finding);
console.log(
  `${report.recordings} damaged recordings: ${report.steps} steps, ${report.calls} calls replayed, ${report.unreadable} lines not readable, ${report.findings.length} findings`,
);
process.exitCode = report.findings.length > 0 ? 1 : 0;
