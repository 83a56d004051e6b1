/** The recipes of docs/testing.md are tests, and they are run: each block is a part of this run, as its reader would have it. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const page = readFileSync(new URL('../../docs/testing.md', import.meta.url), 'utf8');
const entry = new URL('../../src/index.ts', import.meta.url).href;
const matchers = new URL('../../src/vitest/index.ts', import.meta.url).href;
const recipes = Array.from(page.matchAll(/```ts\n([\s\S]*?)```/g), ({ 1: code = '', index }) => ({
  code,
  title: /.*## (.*)/s.exec(page.slice(0, index))?.[1]?.split('\n')[0] ?? '',
}));

describe('docs/testing.md', () => {
  it('has recipes', () => expect(recipes.length).toBeGreaterThanOrEqual(6));
});

const made: string[] = [];
afterAll(() => {
  for (const file of made) rmSync(file, { force: true });
});

for (const [n, { code, title }] of recipes.entries()) {
  const file = fileURLToPath(new URL(`./recipe-${n}.actual.ts`, import.meta.url));
  made.push(file);
  writeFileSync(file, code.replaceAll("'ebpf-emu'", `'${entry}'`).replaceAll("'ebpf-emu/vitest'", `'${matchers}'`));
  const load = (): Promise<unknown> => import(/* @vite-ignore */ pathToFileURL(file).href);
  // what a recipe for vitest declares with it() is a test of this file; any other throws where it fails
  if (code.includes("from 'vitest'")) await load();
  else it(title, load);
}
