/**
 * Makes `text.ts`, the kernel text that ships: run it after changing a function table, hand-written text,
 * the symbols or the layouts.
 *
 *     npx tsx kernel-sim/data/make/pregenerate.ts
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pregenerate } from './text-table.ts';

const table = pregenerate();
const rows = Object.entries(table).map(
  ([key, value]) => `  ${key}: ${typeof value === 'number' ? value : `\`${value}\``},`,
);
writeFileSync(
  fileURLToPath(new URL('../text.ts', import.meta.url)),
  `/** Made by make/pregenerate.ts: kernel text at the shipped symbols' addresses. */\nimport type { TextTable } from './text-table.ts';\n\nexport const textTable: TextTable = {\n${rows.join('\n')}\n};\n`,
);
console.log(`${table.names.split(' ').length} functions, ${Buffer.from(table.text, 'base64').length} bytes`);
