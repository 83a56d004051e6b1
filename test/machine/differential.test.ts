import { describe, expect, it } from 'vitest';
import { differential } from './differential.ts';

describe('translated code against the stepper', () => {
  it('agrees on random programs', () => {
    const { different, translated } = differential(1, 60, 0);
    expect(different).toEqual([]);
    expect(translated).toBeGreaterThan(60);
  });

  it('agrees on random programs that fault', () => {
    expect(differential(10_000, 60, 20).different).toEqual([]);
  });

  it('agrees where nothing is inlined', () => {
    expect(differential(20_000, 60, 0, 0).different).toEqual([]);
    expect(differential(30_000, 60, 20, 0).different).toEqual([]);
  });
});
