/** Writes the manual page from the commands: `npm run docs`. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { manual } from '../../src/cli/manual.ts';
import { build } from '../../src/cli/tree/index.ts';

export const manualPath = fileURLToPath(new URL('../../docs/ebpf-emu.1', import.meta.url));
export const manualText = (): string => manual(build());

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(manualPath, manualText());
