/** Log2 histograms, as BCC's print_log2_hist() draws them: slot n counts values of n + 1 bits. */
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';

const WIDTH = 40;
/** slots of which the bounds take more than ten digits make the bars half as wide */
const WIDE = 32;

/**
 * The lines of a histogram, without a newline at the end; none where nothing was counted.
 * @param slots counts; slot 0 is for 0 and 1, slot 1 for 2 and 3, slot 2 for 4 to 7
 * @param unit what was counted: `usecs`, `bytes`
 * @throws ArgumentError
 */
export function histogram(slots: readonly number[], unit: string): string[] {
  checkArgument('slots', slots, is.listOf(is.count));
  checkArgument('unit', unit, is.text);
  const last = slots.findLastIndex((n) => n > 0);
  if (last < 0) return [];
  const most = Math.max(...slots);
  const wide = last + 1 > WIDE;
  const digits = wide ? 20 : 10;
  const width = wide ? WIDTH / 2 : WIDTH;
  const head = `${' '.repeat(wide ? 15 : 5)}${unit.padEnd(wide ? 29 : 19)} : count     distribution`;
  const rows = slots.slice(0, last + 1).map((count, n) => {
    const low = n === 0 ? 0n : 1n << BigInt(n);
    const high = (2n << BigInt(n)) - 1n;
    const bar = '*'.repeat(Math.floor((width * count) / most));
    return `${String(low).padStart(digits)} -> ${String(high).padEnd(digits)} : ${String(count).padEnd(8)} |${bar.padEnd(width)}|`;
  });
  return [head, ...rows];
}
