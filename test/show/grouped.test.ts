import { expect, it } from 'vitest';
import { grouped } from '../../src/show/grouped.ts';

it.each([0, 7, 999, 1000, 123_456, 1_234_567, Number.MAX_SAFE_INTEGER])('groups %d as Intl does in English', (n) => {
  expect(grouped(n)).toBe(n.toLocaleString('en'));
});
