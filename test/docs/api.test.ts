/** Each example of docs/api.md runs, and prints what stands below it. `UPDATE_GOLDEN=1` writes the outputs anew. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { updating } from '../support/golden.ts';

const path = new URL('../../docs/api.md', import.meta.url);
const entry = new URL('../../src/index.ts', import.meta.url).href;
const EXAMPLE = /```ts\n([\s\S]*?)```\n\n```console\n([\s\S]*?)```\n/g;

const page = readFileSync(path, 'utf8');
const examples = Array.from(page.matchAll(EXAMPLE), ({ 1: code = '', 2: output = '', index }) => ({
  code,
  output,
  title: /.*## (.*)/s.exec(page.slice(0, index))?.[1]?.split('\n')[0] ?? '',
}));

const made: string[] = [];
afterAll(() => {
  for (const file of made) rmSync(file, { force: true });
});

/** Runs a module that imports the package by its name; what it logs. */
async function run(code: string, n: number): Promise<string> {
  const file = fileURLToPath(new URL(`./example-${n}.actual.ts`, import.meta.url));
  made.push(file);
  const lines: string[] = [];
  const log = (...values: unknown[]): void => {
    lines.push(values.map((v) => (typeof v === 'string' ? v : inspect(v))).join(' '));
  };
  Object.assign(globalThis, { exampleLog: log });
  writeFileSync(file, code.replaceAll("'ebpf-emu'", `'${entry}'`).replaceAll('console.log(', 'globalThis.exampleLog('));
  await import(/* @vite-ignore */ pathToFileURL(file).href);
  return `${lines.join('\n')}\n`;
}

describe('docs/api.md', () => {
  it('has examples', () => expect(examples.length).toBeGreaterThanOrEqual(6));

  it.each(examples)('$title', async ({ code, output }) => {
    const now = await run(
      code,
      examples.findIndex((e) => e.code === code),
    );
    if (updating) {
      const text = readFileSync(path, 'utf8');
      const shown = `\`\`\`ts\n${code}\`\`\`\n\n\`\`\`console\n`;
      writeFileSync(
        path,
        text.replace(`${shown}${output}\`\`\``, () => `${shown}${now}\`\`\``),
      );
    } else expect(output).toBe(now);
  });
});
