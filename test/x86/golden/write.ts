/**
 * Writes the listings beside this file: instructions of every row with random operands, as GNU objdump
 * prints them. `npx tsx test/x86/golden/write.ts`, where binutils is installed; tests read only the result.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from '../../../src/x86/index.ts';
import { generate } from '../../machine/cpu-diff/generate.ts';
import { Random } from '../../machine/cpu-diff/random.ts';

const SLOT = 16;
const PER_ROW = 4;
const random = new Random(20);
const codes: Uint8Array[] = [];
for (let row = 0; row < table.length; row++) for (let i = 0; i < PER_ROW; i++) codes.push(generate(row, random).code);
const image = new Uint8Array(codes.length * SLOT).fill(0x90);
codes.forEach((code, n) => {
  image.set(code, n * SLOT);
});
const file = join(mkdtempSync(join(tmpdir(), 'x86-golden-')), 'code.bin');
writeFileSync(file, image);

const version = execFileSync('objdump', ['--version']).toString().split('\n')[0];
for (const syntax of ['att', 'intel']) {
  const flags = syntax === 'intel' ? ['-M', 'intel'] : [];
  const text = execFileSync(
    'objdump',
    ['-D', '-b', 'binary', '-m', 'i386:x86-64', ...flags, '--no-show-raw-insn', '--insn-width=16', file],
    {
      maxBuffer: 1 << 28,
    },
  ).toString();
  const at = new Map<number, string>();
  for (const line of text.split('\n')) {
    const m = /^\s*([0-9a-f]+):\t(.*)$/.exec(line);
    if (m) at.set(Number.parseInt(m[1] as string, 16), (m[2] as string).trim());
  }
  const lines = codes.map(
    (code, n) => `${(n * SLOT).toString(16)}\t${Buffer.from(code).toString('hex')}\t${at.get(n * SLOT) ?? '?'}`,
  );
  writeFileSync(fileURLToPath(new URL(`${syntax}.txt`, import.meta.url)), `# ${version}\n${lines.join('\n')}\n`);
}
