/**
 * Every command that a README shows has been run, and every output in it is real; the Chinese one shows what the
 * English one shows. `UPDATE_GOLDEN=1` writes both anew.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cli } from './support/cli.ts';
import { maskTimes, updating } from './support/golden.ts';

const root = new URL('../', import.meta.url);
const ENGLISH = 'README.md';
const READMES = [ENGLISH, 'README.zh-CN.md'];
const BLOCK = /```console\n\$ npx ebpf-emu (.*)\n([\s\S]*?)```\n/g;
const ELLIPSIS = '…';

const read = (name: string): string => readFileSync(new URL(name, root), 'utf8');
const blocks = (name: string): RegExpExecArray[] => Array.from(read(name).matchAll(BLOCK));
const commands = (name: string): string[] => blocks(name).map((m) => m[1] as string);

/** A long output shows its beginning and its end. */
const SHOWN = 24;
function shorten(text: string): string {
  const lines = text.split('\n');
  if (lines.length <= SHOWN) return text;
  return [...lines.slice(0, SHOWN - 8), ELLIPSIS, ...lines.slice(-6)].join('\n');
}

describe('README', () => {
  it.each(commands(ENGLISH))('ebpf-emu %s', async (command) => {
    const { all } = await cli(...command.split(' '));
    expect(all).not.toContain('a defect of ebpf-emu');
    const now = shorten(all);
    for (const name of READMES) {
      const block = blocks(name).find((m) => m[1] === command);
      if (updating && block) {
        const fresh = `\`\`\`console\n$ npx ebpf-emu ${command}\n${now}\`\`\`\n`;
        writeFileSync(
          new URL(name, root),
          read(name).replace(block[0], () => fresh),
        );
      } else expect(maskTimes(block?.[2] ?? `(not in ${name})`)).toBe(maskTimes(now));
    }
  });

  it('has the same commands, code and links in each language', () => {
    const code = (name: string) =>
      Array.from(read(name).matchAll(/```(?:ts|\nhello\.o)[\s\S]*?```/g), ([text]) => text);
    const links = (name: string) => new Set(Array.from(read(name).matchAll(/\]\(([^)]+)\)/g), ([, target]) => target));
    const options = (name: string) => new Set(read(name).match(/--[a-z-]+/g));
    for (const name of READMES) {
      expect(commands(name)).toEqual(commands(ENGLISH));
      expect(code(name)).toEqual(code(ENGLISH));
      expect(options(name)).toEqual(options(ENGLISH));
      // each names the other
      expect(new Set([...links(name), ...READMES])).toEqual(new Set([...links(ENGLISH), ...READMES]));
      for (const target of links(name)) expect(existsSync(new URL(target as string, root)), target).toBe(true);
    }
  });
});

/** Every page of the project that people read. */
const pages = [
  ...READMES,
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'PROVENANCE.md',
  ...readdirSync(new URL('docs/', root)).flatMap((name) => (name.endsWith('.md') ? `docs/${name}` : [])),
];

it.each(pages)('%s links to files that are there', (page) => {
  for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g))
    if (!target.startsWith('http')) expect(existsSync(new URL(target, new URL(page, root))), target).toBe(true);
});
