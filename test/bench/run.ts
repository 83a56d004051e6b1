/**
 * `npm run bench [-- GROUP ...] [--json] [--most N] [--check]`: prints tables; with --check also the budgets of budgets.ts,
 * and ends with status 1 where one is exceeded. `main.mjs` bundles and starts it.
 * Each part of a group is this same file again, in a process of its own, which prints its rows as JSON.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { BUDGETS, check } from './budgets.ts';
import { churn } from './churn.ts';
import { events } from './events.ts';
import { first, stages } from './first.ts';
import { growth, others } from './growth.ts';
import { kernels } from './kernels.ts';
import { latency } from './latency.ts';
import { lookups, repeat } from './repeat.ts';
import { type BenchOptions, type Group, type Row, table } from './report.ts';
import { startup } from './startup.ts';
import { uprobes } from './uprobes.ts';
import { log, verify } from './verify.ts';

/** Name on the command line to tables. */
const GROUPS: Readonly<Record<string, readonly Group[]>> = {
  kernels: [kernels],
  events: [events],
  uprobes: [uprobes],
  repeat: [repeat, lookups],
  growth: [growth, others, churn],
  latency: [latency],
  startup: [startup, stages],
  first: [first],
  verify: [verify, log],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    most: { type: 'string', default: '1000000' },
    part: { type: 'string' },
  },
});
const options: BenchOptions = { most: Number(values.most) };
const unknown = positionals.filter((name) => !(name in GROUPS));
if (unknown.length > 0 || !(options.most >= 1000)) {
  const why =
    unknown.length > 0
      ? `unknown group ${unknown.join(', ')}: there are ${Object.keys(GROUPS).join(', ')}`
      : '--most takes a number from 1000';
  console.error(why);
  process.exitCode = 2;
} else if (values.part !== undefined) await child(positionals[0] as string, values.part);
else parent();

/** `part` is the table's number in its group, then the part's name. */
async function child(group: string, part: string): Promise<void> {
  const [n, name] = part.split(/:(.*)/s) as [string, string];
  const rows = await ((GROUPS[group] as readonly Group[])[Number(n)] as Group).run(name, options);
  console.log(JSON.stringify(rows));
}

function parent(): void {
  const node = `node ${process.version}`;
  const cpu = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`;
  if (!values.json) console.log(`${node}, ${cpu}`);
  const all: Record<string, unknown>[] = [];
  const tables: Record<string, Row[][]> = {};
  const wanted = values.check && positionals.length === 0 ? BUDGETS.map((b) => b.group) : positionals;
  for (const [name, groups] of Object.entries(GROUPS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    for (const [n, group] of groups.entries()) {
      const parts = typeof group.parts === 'string' ? [] : group.parts;
      const measured = parts.flatMap((part) => measure(name, `${n}:${part}`));
      const rows = group.shown && measured.length > 0 ? group.shown(measured) : measured;
      (tables[name] ??= [])[n] = rows;
      const notes = typeof group.parts === 'string' ? [group.parts] : (group.notes ?? []);
      if (values.json) {
        const columns = group.columns.map((c) => c.name);
        all.push({ group: name, title: group.title, columns, rows, notes });
        continue;
      }
      console.log(`\n# ${group.title}`);
      if (rows.length > 0) console.log(table(group.columns, rows));
      for (const note of notes) console.log(note);
    }
  }
  if (values.json) console.log(JSON.stringify({ node, cpu, tables: all }, null, 2));
  if (!values.check) return;
  if (!values.json) console.log('\n# budgets');
  if (!check(tables)) process.exitCode = 1;
}

function measure(group: string, part: string): Row[] {
  const args = ['--expose-gc', process.argv[1] as string, group, '--part', part, '--most', String(options.most)];
  const out = execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 28 });
  const rows = JSON.parse(out.toString()) as { name: string; values: (number | null)[] }[];
  return rows.map((r) => ({ name: r.name, values: r.values.map((v) => v ?? undefined) }));
}
