import { describe, expect, it } from 'vitest';
import { many } from '../support/depth.ts';
import { differential } from './differential.ts';

const COUNT = many(8, 60);

describe('translated code against the stepper', () => {
  it('agrees on random programs', () => {
    const { different, translated } = differential(1, COUNT, 0);
    expect(different).toEqual([]);
    expect(translated).toBeGreaterThan(COUNT);
  });

  it('agrees on random programs that fault', () => {
    expect(differential(10_000, COUNT, 20).different).toEqual([]);
  });

  it('agrees where nothing is inlined', () => {
    expect(differential(20_000, COUNT, 0, 0).different).toEqual([]);
    expect(differential(30_000, COUNT, 20, 0).different).toEqual([]);
  });
});
