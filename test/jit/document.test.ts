import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DOCUMENT, generate } from './document.ts';

it('docs/jit-lowerings.md shows what the JIT emits (npm run docs)', () => {
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(generate());
});
