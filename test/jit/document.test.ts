import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BEGIN, DOCUMENT, END, generate } from './document.ts';

it('docs/jit.md shows what the JIT emits (npx tsx test/jit/document.ts --write)', () => {
  const text = readFileSync(DOCUMENT, 'utf8');
  expect(text.slice(text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)).trim()).toBe(generate().trim());
});
