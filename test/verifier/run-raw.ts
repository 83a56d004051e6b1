/** Quick run over the raw records: `npx tsx test/verifier/run-raw.ts [--show N] [--only verdict|errno|last|log] [NAME]`. */
import { compare, inputOf, mask, rawRecords, verify } from './oracle.ts';

const args = process.argv.slice(2);
const option = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
};
const show = Number(option('--show') ?? 0);
const only = option('--only') ?? 'verdict';
const pattern = args[0] ? new RegExp(args[0]) : undefined;
const count = { verdict: 0, errno: 0, lastLine: 0, log: 0 };
let total = 0;
let shown = 0;
let crashed = 0;
const slow: [string, number][] = [];
for (const [n, record] of rawRecords().entries()) {
  if (pattern && !pattern.test(`${n} ${record.name}`)) continue;
  total++;
  let mine: ReturnType<typeof verify>;
  const t = performance.now();
  try {
    mine = verify(inputOf(record));
  } catch (e) {
    crashed++;
    if (shown++ < show) console.log(`#${n} ${record.name} CRASH ${(e as Error).stack?.slice(0, 400)}`);
    continue;
  }
  const ms = performance.now() - t;
  if (ms > 500) slow.push([record.name, ms]);
  const c = compare(mine, record.kernel);
  if (c.verdict) count.verdict++;
  if (c.errno) count.errno++;
  if (c.lastLine) count.lastLine++;
  if (c.log) count.log++;
  const key = only === 'last' ? 'lastLine' : (only as 'verdict' | 'errno' | 'log');
  if (!c[key] && shown++ < show) {
    console.log(
      `#${n} ${record.name} | ${record.title} | type ${record.prog_type} unpriv ${record.unpriv ?? false} kernel ${record.kernel.loaded} ${record.kernel.errno} mine ${mine.ok ? 'ok' : mine.errno}`,
    );
    const a = mask(mine.log).split('\n');
    const b = mask(record.kernel.log ?? record.kernel.log_head ?? '').split('\n');
    const at = a.findIndex((l, i) => l !== b[i]);
    for (let i = Math.max(0, at - 1); i < at + 2; i++) console.log(`  mine ${a[i]}\n  kern ${b[i]}`);
  }
}
console.log({ total, crashed, ...count });
for (const [name, ms] of slow) console.log(`slow: ${name} ${Math.round(ms)} ms`);
