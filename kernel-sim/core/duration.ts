/** Spans of time as people write them. */
import { ArgumentError } from '../../src/errors/argument.ts';

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
/** a double holds so many nanoseconds exactly */
const MAX_NS = Number.MAX_SAFE_INTEGER;

/**
 * Nanoseconds of `'5s'`, `'1.5ms'`, `'2m30s'`; a number is nanoseconds itself.
 * @throws ArgumentError: anything else, or more than 104 days
 */
export function nanoseconds(duration: number | string, argument = 'duration'): number {
  const ns = typeof duration === 'number' ? duration : parse(duration);
  if (!(ns >= 0) || ns > MAX_NS)
    throw new ArgumentError(argument, `${String(duration)} is no span of time: '5s', '100ms', '2m30s', or nanoseconds`);
  return Math.round(ns);
}

function parse(text: string): number {
  if (typeof text !== 'string' || !/^(\d+(\.\d+)?(ns|us|ms|s|m|h))+$/.test(text)) return Number.NaN;
  let sum = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g))
    sum += Number(count) * (UNITS[unit as string] ?? 0);
  return sum;
}
