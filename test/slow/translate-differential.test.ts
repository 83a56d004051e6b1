/** The comparison of test/machine/differential.test.ts over thousands of programs. */
import { expect, it } from 'vitest';
import { differential } from '../machine/differential.ts';

it('translated code agrees with the stepper on 4,000 random programs', () => {
  expect(differential(100_000, 4000, 0).different).toEqual([]);
});

it('and on 4,000 that fault', () => {
  expect(differential(200_000, 4000, 20).different).toEqual([]);
});

it('and on 4,000 in which no function is inlined', () => {
  expect(differential(300_000, 2000, 0, 0).different).toEqual([]);
  expect(differential(400_000, 2000, 20, 0).different).toEqual([]);
});
