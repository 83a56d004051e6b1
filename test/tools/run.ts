/**
 * Every tool of Debian's packages of BPF tools in front of the model, on a recording whose facts are known: which start and
 * attach, which print what they must, and why the others do not. `npm run tools -- [names]`; `--write` puts the table into docs.
 *
 *     npm run tools -- libbpf-tools          a package
 *     npm run tools -- opensnoop-bpfcc       a tool; --show prints what it printed, --jobs=2 runs two at a time
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  BPFCC_TOOLS,
  BPFTRACE_TOOLS,
  INPUTS,
  type InputName,
  inputOf,
  LIBBPF_TOOLS,
  REFUSED_BY_LINUX,
  type Row,
} from './rows.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));
const recording = `${here}session.strace`;
const KEPT = fileURLToPath(new URL('../results/tools.json', import.meta.url));
const PAGE = `${root}docs/tools.md`;
const TIMEOUT = 90_000;

const PACKAGES = [
  { name: 'libbpf-tools', rows: LIBBPF_TOOLS, command: (tool: string) => [`/usr/sbin/${tool}`] },
  { name: 'bpfcc-tools', rows: BPFCC_TOOLS, command: (tool: string) => [`/usr/sbin/${tool}-bpfcc`] },
  { name: 'bpftrace', rows: BPFTRACE_TOOLS, command: (tool: string) => ['/usr/bin/bpftrace', `/usr/sbin/${tool}.bt`] },
] as const;

const OUTCOMES = [undefined, 'prints', 'starts', 'refused', 'fails'] as const;

interface Result {
  readonly package: string;
  readonly tool: string;
  readonly args: string;
  /** what happened meanwhile: INPUTS of rows.ts */
  readonly input: InputName;
  /** 'refused': with the words that Linux 6.12 has for the same tool */
  readonly outcome: 'prints' | 'starts' | 'refused' | 'fails';
  readonly reason: string;
}

/** Process ids of the recording by what they ran. */
function people(text: string): ReadonlyMap<string, string> {
  const by = new Map<string, string>();
  for (const [, pid, name] of text.matchAll(/^(\d+) +\S+ execve\("\S*\/(\w+)"/gm))
    by.set(name as string, pid as string);
  const server = /^(\d+) +\S+ accept4\(/m.exec(text)?.[1];
  if (server) by.set('server', server);
  return by;
}

interface Ran {
  readonly out: string;
  readonly err: string;
  readonly late: boolean;
}

/** In a process group of its own, all of which ends with the time. */
function run(input: InputName, command: readonly string[]): Promise<Ran> {
  const child = spawn(
    process.execPath,
    [`${root}bin/ebpf-emu.cjs`, 'exec', ...INPUTS[input].split(' '), '--then', 'int', '--', ...command],
    {
      cwd: here,
      detached: true,
      env: { ...process.env, PATH: `/usr/bin:${process.env['PATH']}` },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let [out, err, late] = ['', '', false];
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (err += bytes.toString()));
  const timer = setTimeout(() => {
    late = true;
    process.kill(-(child.pid as number), 'SIGKILL');
  }, TIMEOUT);
  return new Promise((resolve) => {
    child.on('close', () => {
      clearTimeout(timer);
      resolve({ out, err, late });
    });
  });
}

const REFUSED =
  /fail|error|cannot|can't|could not|couldn't|unable|not modelled|No such|Invalid|not supported|Exception|not found|Permission|usage:/i;

function judge(
  { out, err, late }: Ran,
  lines: readonly RegExp[],
  refusal: string | undefined,
): Pick<Result, 'outcome' | 'reason'> {
  const missing = lines.find((line) => !line.test(out));
  if (!missing) return { outcome: 'prints', reason: '' };
  if (refusal !== undefined && err.includes(refusal)) return { outcome: 'refused', reason: refusal };
  const told = err.split('\n').filter((line) => REFUSED.test(line));
  const own = told.find((line) => line.startsWith('ebpf-emu:'));
  const reason = (own ?? told.at(-1) ?? (late ? 'does not end' : `nothing like ${missing.source}`)).trim();
  return { outcome: told.length > 0 ? 'fails' : 'starts', reason: reason.slice(0, 160) };
}

const key = (of: { readonly package: string; readonly tool: string }): string => `${of.package} ${of.tool}`;
const kept = (): Map<string, Result> =>
  new Map(existsSync(KEPT) ? (JSON.parse(readFileSync(KEPT, 'utf8')) as Result[]).map((r) => [key(r), r]) : []);

function page(results: readonly Result[]): string {
  const count = (name: string, outcome?: string): number =>
    results.filter((r) => r.package === name && (outcome === undefined || r.outcome === outcome)).length;
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
  return [
    '<!-- generated: npm run tools -- --write -->',
    '# Tools of Debian’s packages in front of the model',
    '',
    'Each ran unmodified as `ebpf-emu exec INPUT --then int -- TOOL`. It *prints* where the lines that are expected of its',
    'input (`test/tools/rows.ts`) came out; *starts* where it attached and an expected line did not come; is *refused* where',
    'Linux 6.12.117 refuses it in the same words; *fails* otherwise.',
    '',
    '| input | options |',
    '| --- | --- |',
    ...Object.entries(INPUTS).map(([name, options]) => `| ${name} | \`${options}\` |`),
    '',
    '| package | tools | print | start | refused as on Linux | fail |',
    '| --- | --- | --- | --- | --- | --- |',
    ...PACKAGES.map(({ name }) => `| ${name} | ${OUTCOMES.map((outcome) => count(name, outcome)).join(' | ')} |`),
    '',
    ...PACKAGES.flatMap(({ name }) => [
      `## ${name}`,
      '',
      '| tool | input | outcome | why not |',
      '| --- | --- | --- | --- |',
      ...results
        .filter((r) => r.package === name)
        .map((r) => `| \`${cell(`${r.tool} ${r.args}`.trim())}\` | ${r.input} | ${r.outcome} | ${cell(r.reason)} |`),
      '',
    ]),
  ].join('\n');
}

async function main(args: readonly string[]): Promise<void> {
  const wanted = args.filter((arg) => !arg.startsWith('--'));
  const pids = people(readFileSync(recording, 'utf8'));
  const results = kept();
  const chosen = PACKAGES.flatMap((of) =>
    of.rows
      .filter(([tool]) => {
        const [command] = of.command(tool).slice(-1) as [string];
        return wanted.length === 0 || wanted.includes(of.name) || wanted.some((name) => command.endsWith(`/${name}`));
      })
      .map((row) => ({ of, row })),
  );
  const jobs = Number(args.find((arg) => arg.startsWith('--jobs='))?.slice(7) ?? 1);
  const worker = async (): Promise<void> => {
    for (let next = chosen.shift(); next; next = chosen.shift()) {
      const result = await one(next.of, next.row, pids, args.includes('--show'));
      if (!result) continue;
      results.set(key(result), result);
      if (args.includes('--write')) keep(results);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
}

/** Results of this run, and of those before for tools that it did not run. */
function keep(results: ReadonlyMap<string, Result>): void {
  const order = PACKAGES.flatMap(({ name, rows }) => rows.map(([tool]) => results.get(key({ package: name, tool }))));
  const all = order.filter((r) => r !== undefined);
  writeFileSync(KEPT, `${JSON.stringify(all, undefined, 2)}\n`);
  writeFileSync(PAGE, page(all));
}

async function one(
  of: (typeof PACKAGES)[number],
  [tool, args, ...lines]: Row,
  pids: ReadonlyMap<string, string>,
  show: boolean,
): Promise<Result | undefined> {
  const command = of.command(tool);
  const file = command.at(-1) as string;
  if (!existsSync(file)) {
    console.log(`${file}: not installed`);
    return undefined;
  }
  const input = inputOf({ package: of.name, tool });
  const row = { package: of.name, tool, args, input };
  const ran = await run(input, [...command, ...(args === '' ? [] : args.split(' '))]);
  if (show) process.stdout.write(`${ran.out}${ran.err}`);
  const expected = lines
    .filter((line) => line !== '')
    .map(
      (line) =>
        new RegExp(
          line.replace(/\{(\w+)\}/g, (_, name: string) => pids.get(name) ?? name),
          'm',
        ),
    );
  const judged = judge(ran, expected.length > 0 ? expected : [/(?!)/], REFUSED_BY_LINUX[of.name]?.[tool]);
  const reason =
    expected.length === 0 && judged.outcome === 'starts' ? 'user space is not in a recording' : judged.reason;
  console.log(`${judged.outcome.padEnd(7)} ${file.replace('/usr/sbin/', '')} ${args} ${reason}`);
  return { ...row, ...judged, reason };
}

await main(process.argv.slice(2));
