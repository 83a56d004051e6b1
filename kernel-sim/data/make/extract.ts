/**
 * Makes the tables of the folder above from a real kernel's facts: names, addresses, offsets, event formats.
 *
 *     npx tsx kernel-sim/data/make/extract.ts REFERENCE_DIR [--text FILE] [--events DIR]
 *
 * REFERENCE_DIR has kallsyms.gz, vmlinux.btf.gz, available_filter_functions.gz, kprobes_blacklist.gz and
 * available_events. FILE holds kernel text from ffffffff81000000 on (/proc/kcore): it tells how functions begin.
 * DIR is a copy of /sys/kernel/tracing/events.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Btf } from '../../../src/btf/index.ts';
import { tables } from '../../text/functions/index.ts';
import { functionName, parseFunction } from '../../text/language.ts';
import { compiledName } from '../compiled-names.ts';
import { EVENT_CLASSES, TRACEPOINTS } from '../tracepoints.ts';
import { subset } from './btf-subset.ts';
import { REQUIRED_STRUCTS, requiredSymbols } from './required.ts';
import { ATTACH_POINTS, FIELDS, INFRASTRUCTURE, PATTERNS, STRUCTS } from './select.ts';

const [dir, ...rest] = process.argv.slice(2);
if (!dir) throw new Error('usage: extract.ts REFERENCE_DIR [--text FILE] [--events DIR]');
const option = (name: string): string | undefined => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : undefined);
const out = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const load = (name: string): Buffer => {
  const bytes = readFileSync(join(dir, name));
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
};

const btfBytes = load('vmlinux.btf.gz');
const btf = Btf.parse(btfBytes);
const btfVariables = new Set([...btf.types()].filter((type) => type.kind === 'var').map((type) => type.name));
const btfFunctions = new Set([...btf.types()].filter((type) => type.kind === 'func').map((type) => type.name));

// --- symbols ---
const TEXT = 0xffff_ffff_8100_0000n;
interface Sym {
  readonly name: string;
  readonly at: bigint;
  readonly type: string;
}
const all: Sym[] = [];
/** with the padding in front of functions */
const every: Sym[] = [];
for (const line of load('kallsyms.gz').toString().split('\n')) {
  const [address, type, name, module] = line.split(/\s+/);
  if (!address || !type || !name || module) continue;
  const symbol = { name, at: BigInt(`0x${address}`), type };
  every.push(symbol);
  if (!name.startsWith('__pfx_')) all.push(symbol);
}
const first = new Map<string, Sym>();
for (const s of all) if (!first.has(s.name)) first.set(s.name, s);
/** labels inside other functions */
const INNER = /^(entry_SYSCALL_64_|ftrace_(regs_)?(call|caller_op_ptr|call_end|caller_end)$)/;
const sortedAddresses = [...new Set(all.filter((s) => s.at >= TEXT && !INNER.test(s.name)).map((s) => s.at))].sort(
  (a, b) => (a < b ? -1 : 1),
);
const sizeOf = (at: bigint): number => {
  let lo = 0;
  let hi = sortedAddresses.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if ((sortedAddresses[mid] as bigint) <= at) lo = mid + 1;
    else hi = mid;
  }
  return Number((sortedAddresses[lo] ?? at + 16n) - at);
};

const helpers = [...new Set(readFileSync(join(dir, 'feature_probe.json'), 'utf8').match(/"bpf_\w+"/g) ?? [])].map((s) =>
  s.slice(1, -1),
);
const helperSet = new Set(helpers);
const isHelper = (name: string): boolean => {
  if (helperSet.has(name)) return true;
  for (let at = name.lastIndexOf('_'); at > 4; at = name.lastIndexOf('_', at - 1))
    if (helperSet.has(name.slice(0, at))) return true;
  return false;
};
const wanted = new Set<string>([...[...INFRASTRUCTURE, ...ATTACH_POINTS].map(compiledName), ...requiredSymbols()]);
for (const [signature, text] of Object.entries(tables)) {
  const body = parseFunction(signature, text);
  wanted.add(functionName(signature));
  for (const s of body.statements) if (s.kind === 'call') wanted.add(s.target);
}
for (const e of [...Object.keys(TRACEPOINTS), ...EVENT_CLASSES]) {
  for (const prefix of ['__traceiter_', 'perf_trace_', '__bpf_trace_', '__tracepoint_', 'trace_event_raw_event_'])
    wanted.add(prefix + e);
}
for (const s of all) {
  if (!/^[tTwWdDbBA]$/.test(s.type)) continue;
  if (/^[tTwW]$/.test(s.type) && (isHelper(s.name) || PATTERNS.some((p) => p.test(s.name)))) wanted.add(s.name);
}
const textFile = option('--text');
const text = textFile && existsSync(textFile) ? readFileSync(textFile) : undefined;
const blacklist = new Set(
  load('kprobes_blacklist.gz')
    .toString()
    .split('\n')
    .map((l) => l.split(/\s+/)[1]),
);
const filter = new Set(
  load('available_filter_functions.gz')
    .toString()
    .split('\n')
    .map((l) => l.split(/\s+/)[0]),
);

/** e: endbr64; s: sealed endbr; b: neither. Upper case: kprobes are refused. n/N: ftrace has no nop there, d: data. */
const flag = (s: Sym): string => {
  if (!/^[tTwW]$/.test(s.type)) return 'd';
  const at = Number(s.at - TEXT);
  const four = text && at >= 0 && at + 4 <= text.length ? text.readUInt32BE(at) : 0xf30f1efa;
  const start = four === 0xf30f1efa ? 'e' : four === 0x660f1f00 ? 's' : 'b';
  const f = filter.has(s.name) ? start : start === 'e' ? 'n' : 'm';
  return blacklist.has(s.name) ? f.toUpperCase() : f;
};

// as kallsyms tells an address: every symbol ends one, and of several names for a place it is the first
const told = new Map<bigint, string>();
for (const s of every) if (s.at >= TEXT && !told.has(s.at)) told.set(s.at, s.name);
const toldAddresses = [...told.keys()].sort((a, b) => (a < b ? -1 : 1));
const next = new Map(toldAddresses.map((at, n) => [at, toldAddresses[n + 1] ?? at]));
/** bytes of `__pfx_`: CONFIG_FUNCTION_PADDING_BYTES */
const PADDING = 16;
const padded = ({ name, at, size, percpu }: { name: string; at: bigint; size: number; percpu: boolean }): string => {
  const address = at + TEXT;
  if (percpu) return '0';
  if (told.get(address) !== name) return '2';
  const shown = Number((next.get(address) as bigint) - address);
  return shown === size ? '0' : shown === size - PADDING ? '1' : '2';
};
/** Symbols within a function of assembly, up to the next function that was chosen: `name:offset` each, one for a place. */
const labelsOf = ({ name, at, size, percpu }: { name: string; at: bigint; size: number; percpu: boolean }): string => {
  const address = at + TEXT;
  if (percpu || told.get(address) !== name) return '';
  const inside = toldAddresses.filter((a) => a > address && a < address + BigInt(size - PADDING));
  return inside.map((a) => `${told.get(a)}:${a - address}`).join(' ');
};

const missing: string[] = [];
const chosen: { name: string; at: bigint; size: number; kind: string; percpu: boolean }[] = [];
for (const name of [...wanted].sort()) {
  const s = first.get(name);
  if (!s) missing.push(name);
  else
    chosen.push({
      name,
      at: s.at < TEXT ? s.at : s.at - TEXT,
      size: s.at < TEXT ? 0 : sizeOf(s.at),
      kind: flag(s),
      percpu: s.at < TEXT,
    });
}
// per-CPU offsets first, then by address
chosen.sort(
  (a, b) => Number(b.percpu) - Number(a.percpu) || (a.at < b.at ? -1 : a.at > b.at ? 1 : a.name < b.name ? -1 : 1),
);
const base64 = (numbers: readonly number[]): string => Buffer.from(Uint32Array.from(numbers).buffer).toString('base64');
writeFileSync(
  out('symbols.ts'),
  `/**
 * Made by make/extract.ts: symbols of Linux 6.12.117 (Debian, amd64). Names by address, the first PERCPU of them per-CPU variables;
 * offsets from ffffffff81000000 (per-CPU: from the CPU's base) and sizes as little-endian u32; kinds: see sym/symbols.ts.
 */
export const PERCPU = ${chosen.filter((c) => c.percpu).length};
export const names =
  '${chosen.map((c) => c.name).join(' ')}';
export const kinds =
  '${chosen.map((c) => c.kind).join('')}';
export const offsets =
  '${base64(chosen.map((c) => Number(c.at)))}';
export const sizes =
  '${base64(chosen.map((c) => c.size))}';
/** Padding of the next function (its __pfx_ symbol) is the end of one: '1'. '2': kallsyms tells another name or size of the place. */
export const padded =
  '${chosen.map((c) => padded(c)).join('')}';
/** Symbols within functions, by which kallsyms tells what follows them: \`name:offset\`. */
export const labels = {
${chosen
  .map((c) => ({ name: c.name, row: labelsOf(c) }))
  .filter(({ row }) => row !== '')
  .map(({ name, row }) => `  ${name}: '${row}',\n`)
  .join('')}};
`,
);
console.log(`symbols: ${chosen.length}; no such symbol (inlined there): ${missing.join(' ')}`);

// every other function that programs can name: asked only for names that the table has not
const others = all
  .filter((s) => /^[tTwW]$/.test(s.type) && s.at >= TEXT && !wanted.has(s.name))
  // those that have a type or that ftrace can hook
  .filter((s) => filter.has(s.name) || btfFunctions.has(s.name))
  .sort((a, b) => (a.at < b.at ? -1 : 1));
let last = TEXT;
const lines = others.map((s) => {
  const line = `${s.name} ${(s.at - last).toString(36)} ${sizeOf(s.at).toString(36)} ${flag(s)}`;
  last = s.at;
  return line;
});
// per-CPU variables that programs can name, by their offset in a CPU's area
for (const s of all.filter((v) => v.at < TEXT && btfVariables.has(v.name) && !wanted.has(v.name))) {
  lines.push(`${s.name} ${BigInt.asIntN(64, s.at - last).toString(36)} 0 d`);
  last = s.at;
}
writeFileSync(out('functions-6.12.gz'), gzipSync(lines.join('\n'), { level: 9 }));
console.log(`further functions: ${lines.length}`);

// --- layouts and BTF ---
const layout: string[] = [];
for (const [struct, paths] of Object.entries(FIELDS)) {
  const id = btf.findByName(struct, 'struct');
  if (!id) throw new Error(`no struct ${struct}`);
  const fields = paths.split(/\s+/).map((path) => {
    const f = btf.offsetOf(id, path);
    return `${path}:${f.offset}:${f.size}`;
  });
  const row = `'${btf.sizeOf(id)} ${fields.join(' ')}',`;
  layout.push(struct.length + row.length + 4 <= 120 ? `  ${struct}: ${row}` : `  ${struct}:\n    ${row}`);
}
writeFileSync(
  out('layouts.ts'),
  `/** Made by make/extract.ts: offsets and sizes of structure fields in Linux 6.12.117 (Debian, amd64). */\nimport { LayoutTable } from '../core/structs.ts';\n\nexport const layouts = new LayoutTable({\n${layout.join('\n')}\n});\n`,
);
spawnSync('npx', ['biome', 'format', '--write', out('layouts.ts')]);
const functions = Object.keys(tables).map(functionName);
const small = subset(btf, {
  structs: [...STRUCTS, ...REQUIRED_STRUCTS],
  functions: [...functions, ...chosen.filter((c) => c.kind !== 'd').map((c) => c.name)],
  typedefs: [
    ...Object.keys(TRACEPOINTS).map((e) => `btf_trace_${e}`),
    'bpf_user_pt_regs_t',
    'u8',
    'u16',
    'u32',
    'u64',
    's8',
    's16',
    's32',
    's64',
    '__u8',
    '__u16',
    '__u32',
    '__u64',
    '__be16',
    '__be32',
    'pid_t',
    'size_t',
    'bool',
  ],
  also: (name, kind) =>
    ((kind === 'struct' || kind === 'union') && /__safe_(trusted|rcu)(_or_null)?$/.test(name)) ||
    (kind === 'func' &&
      /^bpf_(kptr|iter|rdonly|dynptr|task|cpumask|obj|refcount|list|rbtree|percpu|rcu|preempt|cast|wq|get|skb|xdp|cgroup|strn?\w*|copy|key|lookup|verify|map|arena|throw|session)_?\w*$/.test(
        name,
      )),
});
writeFileSync(out('vmlinux-6.12.quick.gz'), gzipSync(small, { level: 9 }));
writeFileSync(out('vmlinux-6.12.btf.gz'), gzipSync(btfBytes, { level: 9 }));
console.log(`BTF: ${small.length} bytes of ${btfBytes.length}`);

// --- events ---
const events = option('--events');
if (events) {
  const ids = new Map<string, string>();
  const formats: string[] = [];
  for (const line of readFileSync(join(dir, 'available_events'), 'utf8').trim().split('\n')) {
    const [category, event] = line.split(':') as [string, string];
    const at = join(events, category, event);
    if (!existsSync(join(at, 'id'))) continue;
    const id = readFileSync(join(at, 'id'), 'utf8').trim();
    ids.set(line, id);
    if (category === 'syscalls' || !Object.keys(TRACEPOINTS).includes(event)) continue;
    const fields = [
      ...readFileSync(join(at, 'format'), 'utf8').matchAll(
        /field:(.*?)(\w+)(\[.*?\])?;\s*offset:(\d+);\s*size:(\d+);\s*signed:(\d);/g,
      ),
    ]
      .filter((m) => !(m[2] as string).startsWith('common_'))
      .map(
        (m) =>
          `${m[2]}:${(m[1] as string).includes('__data_loc') ? 'data_loc' : `${m[6] === '1' ? 's' : 'u'}${m[5]}`}@${m[4]}`,
      );
    formats.push(`${category}:${event} ${fields.join(' ')}`);
  }
  const idLines = [...ids].map(([name, id]) => `${name} ${id}`);
  writeFileSync(
    out('events.ts'),
    `/** Made by make/extract.ts: trace events of Linux 6.12.117 (Debian, amd64): ids, and the record formats of the modelled ones. */\nexport const eventIds = \`\n${idLines.join('\n')}\n\`;\n\nexport const eventFormats = \`\n${formats.join('\n')}\n\`;\n`,
  );
  console.log(`events: ${ids.size}, formats: ${formats.length}`);
}
