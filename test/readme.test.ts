/** Every command that the README shows has been run, and every output in it is real. `UPDATE_GOLDEN=1` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cli } from './support/cli.ts';
import { maskTimes, updating } from './support/golden.ts';

const path = new URL('../README.md', import.meta.url);
const BLOCK = /```console\n\$ npx ebpf-emu (.*)\n([\s\S]*?)```\n/g;
const ELLIPSIS = '…';

/** A long output shows its beginning and its end. */
const SHOWN = 24;
function shorten(text: string): string {
  const lines = text.split('\n');
  if (lines.length <= SHOWN) return text;
  return [...lines.slice(0, SHOWN - 8), ELLIPSIS, ...lines.slice(-6)].join('\n');
}

describe('README', () => {
  it.each(Array.from(readFileSync(path, 'utf8').matchAll(BLOCK), (m) => [m[1] as string]))(
    'ebpf-emu %s',
    async (command) => {
      const { all } = await cli(...command.split(' '));
      expect(all).not.toContain('a defect of ebpf-emu');
      const text = readFileSync(path, 'utf8');
      const block = Array.from(text.matchAll(BLOCK)).find((m) => m[1] === command) as RegExpExecArray;
      const now = shorten(all);
      if (updating) {
        const fresh = `\`\`\`console\n$ npx ebpf-emu ${command}\n${now}\`\`\`\n`;
        writeFileSync(
          path,
          text.replace(block[0], () => fresh),
        );
      } else expect(maskTimes(block[2] as string)).toBe(maskTimes(now));
    },
  );
});
