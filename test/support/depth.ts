/**
 * How many of what could be tried without end: `npm test` tries some, `npm run test:slow` runs each test file that
 * imports this with the full number.
 */
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    depth: 'quick' | 'full';
  }
}

export const full = inject('depth') === 'full';
export const many = (quick: number, all: number): number => (full ? all : quick);
/** The first `quick` of them, or all. */
export const first = <T>(quick: number, of: readonly T[]): readonly T[] => (full ? of : of.slice(0, quick));
