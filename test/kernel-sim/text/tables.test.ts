/** What the language of the tables means. */
import { expect, it } from 'vitest';
import { parseFunction } from '../../../kernel-sim/text/language.ts';
import { maybeUnset } from '../../../kernel-sim/text/unset.ts';

it('a variable that only a success sets begins as 0 where a failure reads it', () => {
  const unset = (text: string) => [...maybeUnset(parseFunction('f(a)', text))];
  expect(unset('n = g(a)?; h(n) if n; return n')).toEqual(['n']);
  expect(unset('n = g(a)?; h(n)?; return a')).toEqual([]);
  expect(unset('n = g(a)!; h(n)?; return a')).toEqual(['n']);
  expect(unset('n = g(a); n = h(a)?; return n')).toEqual([]);
  expect(unset('a = g(a)?; return a')).toEqual([]);
});
