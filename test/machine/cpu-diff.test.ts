/**
 * The machine against the processor that runs this test: random instructions of every row of the table, with
 * random registers, flags and memory, compared in all registers, defined flags, memory, exception, error code.
 * Even cases are single steps, odd ones go through the block cache. By hand: `npm run diff:cpu -- --seed S --count N`.
 */
import { describe, expect, it } from 'vitest';
import { differential } from './cpu-diff/differential.ts';
import { hostRunner } from './cpu-diff/host.ts';

const PER_ROW = 200;
const runner = hostRunner();
if (runner === undefined)
  console.log('skipped: needs an x86-64 Linux host with a C compiler to run instructions on its processor');

describe.skipIf(runner === undefined)('the machine and a real processor', () => {
  it(`agree on ${PER_ROW} random cases of every row`, { timeout: 120_000 }, () => {
    const result = differential({ seed: 1, perRow: PER_ROW });
    console.log(
      `${result.rows} rows, ${result.cases} cases, ${result.exceptions} exceptions, ${result.failures.length} differences`,
    );
    expect(result.failures.slice(0, 5).join('\n')).toBe('');
  });
});
