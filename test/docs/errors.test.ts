import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { errorsPath, errorsText } from './errors.ts';

it('docs/errors.md is what the table of codes says (npm run docs)', () => {
  expect(readFileSync(errorsPath, 'utf8')).toBe(errorsText());
});
