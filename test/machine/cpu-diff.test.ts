/**
 * The machine against the processor that runs this test: random instructions of every row of the table, with
 * random registers, flags and memory, compared in all registers, defined flags, memory, exception, error code.
 * Even cases are single steps, odd ones go through the block cache. By hand: `npm run diff:cpu -- --seed S --count N`.
 */
import { describe, expect, it } from 'vitest';
import { table } from '../../src/x86/index.ts';
import { full, many } from '../support/depth.ts';
import { holdFigures } from '../support/figures.ts';
import { differences } from './cpu-diff/compare.ts';
import { differential } from './cpu-diff/differential.ts';
import { hostRunner } from './cpu-diff/host.ts';
import { CODE_AT, DATA_BASE, WINDOW_BYTES } from './cpu-diff/layout.ts';
import type { Outcome } from './cpu-diff/outcome.ts';

const PER_ROW = many(15, 200);
const runner = hostRunner();
if (runner === undefined)
  console.log('skipped: needs an x86-64 Linux host with a C compiler to run instructions on its processor');

describe.skipIf(runner === undefined)('the machine and a real processor', () => {
  it(`agree on ${PER_ROW} random cases of every row`, { timeout: 120_000 }, () => {
    const result = differential({ seed: 1, perRow: PER_ROW });
    console.log(
      `${result.rows} rows, ${result.cases} cases, ${result.exceptions} exceptions, ${result.failures.length} differences`,
    );
    if (result.lacking.length > 0) console.log(`not on this processor: ${result.lacking.join(', ')}`);
    expect(result.failures.slice(0, 5).join('\n')).toBe('');
    if (result.lacking.length === 0)
      holdFigures('cpu', full ? 'full' : 'quick', { rows: result.rows, cases: result.cases });
  });
});

describe('an instruction with two accesses that fault', () => {
  const NOWHERE = 0x7000n;
  const ELSEWHERE = 0x9000n;
  const NOT_CANONICAL = 1n << 60n;

  /** Differences when `cmpsb` with these pointers ends so on the processor and, by [rsi], on the machine. */
  function compare(rsi: bigint, rdi: bigint, host: Fault, guest: Fault): string {
    const regs = new BigUint64Array(16);
    regs[6] = rsi;
    regs[7] = rdi;
    const window = new Uint8Array(WINDOW_BYTES);
    const row = table.findIndex((r) => r.syntax === 'cmpsb');
    const outcome = (fault: Fault): Outcome => ({ ...fault, rip: BigInt(CODE_AT), rflags: 2, regs, window, xmm });
    const xmm = new Uint8Array(256);
    const c = { row, code: Uint8Array.of(0xa6), regs, rflags: 2, window, xmm };
    return differences(c, outcome(host), outcome(guest), 48)
      .slice(1)
      .map((line) => line.trim().split(/\s+/)[0])
      .join(' ');
  }
  type Fault = Pick<Outcome, 'trap' | 'cr2' | 'error'>;
  const pageFault = (cr2: bigint): Fault => ({ trap: 14, cr2, error: 4 });
  const protection: Fault = { trap: 13, cr2: 0n, error: 0 };

  it('may report either', () => {
    expect(compare(NOWHERE, ELSEWHERE, pageFault(ELSEWHERE), pageFault(NOWHERE))).toBe('');
    expect(compare(NOWHERE, NOT_CANONICAL, protection, pageFault(NOWHERE))).toBe('');
    expect(compare(NOT_CANONICAL, ELSEWHERE, pageFault(ELSEWHERE), protection)).toBe('');
  });

  it('has no choice beyond them', () => {
    expect(compare(NOWHERE, ELSEWHERE, pageFault(ELSEWHERE + 1n), pageFault(NOWHERE))).toBe('cr2');
    expect(compare(NOWHERE, ELSEWHERE, { ...pageFault(ELSEWHERE), error: 6 }, pageFault(NOWHERE))).toBe('cr2 error');
    expect(compare(NOWHERE, ELSEWHERE, protection, pageFault(NOWHERE))).toBe('trap');
    expect(compare(NOWHERE, BigInt(DATA_BASE), pageFault(BigInt(DATA_BASE)), pageFault(NOWHERE))).toBe('cr2');
  });
});
