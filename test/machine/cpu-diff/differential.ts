/** Runs random cases on both sides. */
import { form, table } from '../../../src/x86/index.ts';
import { differences } from './compare.ts';
import { generate, untestable } from './generate.ts';
import { Guest } from './guest.ts';
import { runOnHost } from './host.ts';
import { lacks } from './processor.ts';
import { Random } from './random.ts';

export interface DifferentialResult {
  readonly rows: number;
  readonly cases: number;
  /** cases that raised an exception on the processor */
  readonly exceptions: number;
  /** extensions whose rows were left out, because this processor has not got them */
  readonly lacking: readonly string[];
  /** each as text */
  readonly failures: string[];
}

/** Cases that go to the processor in one process. */
const BATCH = 20_000;

export function differential(options: { seed: number; perRow: number; only?: string }): DifferentialResult {
  const random = new Random(options.seed);
  const guest = new Guest();
  const failures: string[] = [];
  const lacking = new Set<string>();
  let rows = 0;
  let cases = 0;
  let exceptions = 0;
  let batch: ReturnType<typeof generate>[] = [];
  const flush = (): void => {
    const host = runOnHost(batch);
    batch.forEach((c, i) => {
      const outcome = host[i];
      if (outcome === undefined) return;
      cases++;
      if (outcome.trap >= 0) exceptions++;
      const lines = differences(c, outcome, guest.run(c, i % 2 === 1));
      if (lines.length > 0) failures.push(lines.join('\n'));
    });
    batch = [];
  };
  for (let row = 0; row < table.length; row++) {
    const f = form(row);
    if (untestable[f.mnemonic] !== undefined) continue;
    if (options.only !== undefined && !f.syntax.startsWith(options.only)) continue;
    const missing = lacks(f.mnemonic);
    if (missing !== undefined) {
      lacking.add(missing);
      continue;
    }
    rows++;
    for (let i = 0; i < options.perRow; i++) {
      batch.push(generate(row, random));
      if (batch.length >= BATCH) flush();
    }
  }
  if (batch.length > 0) flush();
  return { rows, cases, exceptions, failures, lacking: [...lacking] };
}
