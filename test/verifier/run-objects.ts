/** Quick run over recorded objects: `npx tsx test/verifier/run-objects.ts [--set N] [--show N] [--only verdict|errno|last|log] [--full] [NAME]`. */
import { writeFileSync } from 'node:fs';
import { objectInput, objectRecords, SETS } from './objects.ts';
import { compare, mask, verify } from './oracle.ts';

const args = process.argv.slice(2);
const option = (name: string): string | undefined => {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
};
const dump = option('--dump');
const sets = option('--set');
const show = Number(option('--show') ?? 0);
const only = option('--only') ?? 'verdict';
const pattern = args[0] ? new RegExp(args[0]) : undefined;
const key = only === 'last' ? 'lastLine' : (only as 'verdict' | 'errno' | 'log');
let shown = 0;
for (const [n, set] of SETS.entries()) {
  if (sets !== undefined && !sets.split(',').includes(String(n))) continue;
  const count = { total: 0, skipped: 0, crashed: 0, verdict: 0, errno: 0, lastLine: 0, log: 0, unsound: 0 };
  const why = new Map<string, number>();
  const slow: string[] = [];
  for (const record of objectRecords(set)) {
    const title = `${record.object}:${record.name}`;
    if (pattern && !pattern.test(title)) continue;
    let mine: ReturnType<typeof verify>;
    const started = performance.now();
    try {
      const input = objectInput(set, record);
      if (typeof input === 'string') {
        count.skipped++;
        why.set(input.replace(/\d+/g, 'N'), (why.get(input.replace(/\d+/g, 'N')) ?? 0) + 1);
        continue;
      }
      mine = verify(input);
    } catch (e) {
      count.crashed++;
      if (shown++ < show) console.log(`${title} CRASH ${(e as Error).stack?.slice(0, 500)}`);
      continue;
    }
    if (performance.now() - started > 1500) slow.push(`${title} ${Math.round(performance.now() - started)} ms`);
    count.total++;
    const c = compare(mine, record);
    if (c.verdict) count.verdict++;
    else if (mine.ok) count.unsound++;
    if (c.errno) count.errno++;
    if (c.lastLine) count.lastLine++;
    if (c.log) count.log++;
    if ((only === 'unsound' ? c.verdict || !mine.ok : c[key]) || shown++ >= show) continue;
    console.log(
      `${title} | ${record.section} | kernel ${record.loaded} ${record.errno} mine ${mine.ok ? 'ok' : mine.errno}`,
    );
    const a = mask(mine.log).split('\n');
    const b = mask(record.log ?? record.log_head ?? '').split('\n');
    const at = a.findIndex((l, i) => l !== b[i]);
    for (let i = Math.max(0, at - 1); i < at + 2; i++)
      console.log(`  mine ${a[i]?.slice(0, 300)}\n  kern ${b[i]?.slice(0, 300)}`);
    if (dump) {
      writeFileSync(`${dump}.mine`, mask(mine.log));
      writeFileSync(`${dump}.kern`, mask(record.log ?? record.log_head ?? ''));
    }
  }
  console.log(set, count);
  for (const [reason, times] of why) console.log(`  skipped ${times}: ${reason}`);
  for (const line of slow) console.log(`  slow: ${line}`);
}
