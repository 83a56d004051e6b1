/**
 * Makes the data files that only files of the model's kernel need: all symbols, and the formats of all trace events.
 *
 *     npx tsx kernel-sim/data/make/files.ts KALLSYMS FORMATS
 *
 * KALLSYMS is a real kernel's /proc/kallsyms, read as root. FORMATS is text: for each event a line `== category/event/format`
 * and its format file from /sys/kernel/tracing/events.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync, gzipSync } from 'node:zlib';

const [kallsyms, formats] = process.argv.slice(2);
if (!kallsyms || !formats) throw new Error('usage: files.ts KALLSYMS FORMATS');
const load = (path: string): string => {
  const bytes = readFileSync(path);
  return (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('latin1');
};
const out = (name: string, text: string): void =>
  writeFileSync(
    fileURLToPath(new URL(`../${name}`, import.meta.url)),
    gzipSync(Buffer.from(text, 'latin1'), { level: 9 }),
  );

/** Distance to the symbol before in base 36 (first to zero), type, name; modules and programs left out. */
let before = 0n;
const rows: string[] = [];
for (const line of load(kallsyms).split('\n')) {
  const [hex, type, name, module] = line.split(/\s+/);
  if (!hex || !type || !name || module) continue;
  const at = BigInt.asIntN(64, BigInt(`0x${hex}`));
  rows.push(`${(at - before).toString(36)} ${type}${name}`);
  before = at;
}
out('kallsyms-6.12.gz', rows.join('\n'));

/** The lines that all formats have are one letter. */
const COMMON = `format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:unsigned char common_flags;	offset:2;	size:1;	signed:0;
	field:unsigned char common_preempt_count;	offset:3;	size:1;	signed:0;
	field:int common_pid;	offset:4;	size:4;	signed:1;

`;
out('event-formats-6.12.gz', load(formats).replaceAll(COMMON, '@'));
