import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parityPath, parityText } from './parity.ts';

it('docs/parity.md is what the tables say (npm run docs)', () => {
  expect(readFileSync(parityPath, 'utf8')).toBe(parityText());
});
