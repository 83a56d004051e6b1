/** `npm run fuzz -- --seed S --count N`: random programs on all engines. Ends 1 where they disagree. */
import { parseArgs } from 'node:util';
import { campaign } from './campaign.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, count: { type: 'string', default: '2000' } },
});
const seed = Number(values.seed);
const count = Number(values.count);
if (!Number.isInteger(seed) || !Number.isInteger(count) || count < 1) {
  console.error('usage: npm run fuzz -- [--seed NUMBER] [--count NUMBER]');
  process.exit(2);
}
const report = await campaign(seed, count, (done) => {
  if (done % 500 === 0) console.error(`${done} of ${count}`);
});
for (const f of report.findings) {
  console.log(`seed ${f.seed}: ${f.what}`);
  for (const line of f.listing) console.log(line);
  console.log();
}
console.log(`${report.programs} programs, ${report.executed} instructions, ${report.findings.length} disagreements`);
process.exitCode = report.findings.length > 0 ? 1 : 0;
