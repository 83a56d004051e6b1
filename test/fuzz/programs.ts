/**
 * `npm run fuzz -- --seed S --count N [--mode plain|verified|sound]`: random programs on all engines. Ends 1 where they
 * disagree, with the smallest program that shows it. Without a mode two of three programs are plain.
 */
import { parseArgs } from 'node:util';
import { campaign, MODES, type Mode, type Report } from './campaign.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '2000' },
    mode: { type: 'string' },
  },
});
const seed = Number(values.seed);
const count = Number(values.count);
const mode = MODES.find((m) => m === values.mode);
if (
  !Number.isInteger(seed) ||
  !Number.isInteger(count) ||
  count < 1 ||
  (values.mode !== undefined && mode === undefined)
) {
  console.error('usage: npm run fuzz -- [--seed NUMBER] [--count NUMBER] [--mode plain|verified|sound]');
  process.exit(2);
}
const sixth = Math.floor(count / 6);
const shares: readonly (readonly [Mode, number])[] = mode
  ? [[mode, count]]
  : [
      ['plain', count - 2 * sixth],
      ['verified', sixth],
      ['sound', sixth],
    ];
let failed = false;
for (const [each, programs] of shares) {
  if (programs === 0) continue;
  const report = await campaign(each, seed, programs, (done) => {
    if (done % 500 === 0) console.error(`${each}: ${done} of ${programs}`);
  });
  show(report);
  failed ||= report.findings.length > 0;
}
process.exitCode = failed ? 1 : 0;

function show({ mode: name, programs, loaded, executed, addresses, findings }: Report): void {
  for (const f of findings) {
    console.log(`seed ${f.seed} (--mode ${name}): ${f.what}`);
    for (const line of f.listing) console.log(line);
    console.log();
  }
  const apart = addresses > 0 ? `, ${addresses} differ by addresses alone` : '';
  console.log(
    `${name}: ${programs} programs, ${loaded} loaded, ${executed} instructions, ${findings.length} findings${apart}`,
  );
}
