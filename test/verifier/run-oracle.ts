/** Objects that the kernel oracle judged just now: `npx tsx test/verifier/run-oracle.ts DIR OUT [SHOW]`, DIR with the objects, OUT as `objects` wrote it. */
import { readFileSync } from 'node:fs';
import { objectInput, type ProgramRecord } from './objects.ts';
import { compare, mask, verify } from './oracle.ts';

const [dir = '', out = '', show = '10'] = process.argv.slice(2);
const records = readFileSync(`${out}/programs.jsonl`, 'utf8')
  .split('\n')
  .filter((l) => l)
  .map((l) => JSON.parse(l) as ProgramRecord);
const count = { total: 0, verdict: 0, errno: 0, lastLine: 0, log: 0 };
let shown = 0;
for (const record of records) {
  if (!(record.log ?? '').includes('processed ')) continue;
  const input = objectInput(dir, { ...record, object: record.object.replace(/^.*\//, '') });
  if (typeof input === 'string') {
    console.log(`${record.name}: ${input}`);
    continue;
  }
  const mine = verify(input);
  const c = compare(mine, record);
  count.total++;
  for (const key of ['verdict', 'errno', 'lastLine', 'log'] as const) if (c[key]) count[key]++;
  if (c.log || shown++ >= Number(show)) continue;
  console.log(
    `${record.name} | ${record.section} | kernel ${record.loaded} ${record.errno} mine ${mine.ok ? 'ok' : mine.errno}`,
  );
  const a = mask(mine.log).split('\n');
  const b = mask(record.log ?? '').split('\n');
  const at = a.findIndex((l, i) => l !== b[i]);
  for (let i = Math.max(0, at - 1); i < at + 3; i++)
    console.log(`  mine ${a[i]?.slice(0, 300)}\n  kern ${b[i]?.slice(0, 300)}`);
}
console.log(count);
