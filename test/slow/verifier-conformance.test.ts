/** Every program that a real Linux 6.12 judged in the shared data: verdict, errno, last line and whole log. */
import { describe, expect, it } from 'vitest';
import type { VerifierInput } from '../../src/verifier/index.ts';
import { holdFigures } from '../support/figures.ts';
import { haveShared } from '../support/shared.ts';
import { objectInput, objectRecords, SETS } from '../verifier/objects.ts';
import { type Comparison, compare, inputOf, type KernelAnswer, rawRecords, verify } from '../verifier/oracle.ts';

interface Judged {
  readonly title: string;
  readonly input: () => VerifierInput | string;
  readonly kernel: KernelAnswer;
}

/** libbpf and the kernel's program load refuse these before the verifier sees them */
const beside = (kernel: KernelAnswer): boolean =>
  !kernel.loaded && !(kernel.log ?? kernel.log_tail ?? '').includes('processed ');

function judge(name: string, programs: readonly Judged[]): void {
  const count = { verdict: 0, errno: 0, lastLine: 0, log: 0 };
  const accepted: string[] = [];
  const refused: string[] = [];
  let total = 0;
  let aside = 0;
  let unopened = 0;
  for (const { title, input, kernel } of programs) {
    if (beside(kernel)) {
      aside++;
      continue;
    }
    const given = input();
    if (typeof given === 'string') {
      unopened++;
      continue;
    }
    const mine = verify(given);
    const c: Comparison = compare(mine, kernel);
    total++;
    for (const key of ['verdict', 'errno', 'lastLine', 'log'] as const) if (c[key]) count[key]++;
    if (!c.verdict) (mine.ok ? accepted : refused).push(title);
  }
  expect(accepted, 'accepted here, refused by Linux').toEqual([]);
  expect(refused, 'refused here, accepted by Linux').toEqual([]);
  holdFigures('verifier', name, { programs: total, ...count, beside: aside, unopened });
}

describe.skipIf(!haveShared)('the verifier against Linux 6.12', () => {
  it('test_verifier', { timeout: 300_000 }, () => {
    judge(
      'raw',
      rawRecords().map((r) => ({ title: `${r.name} (${r.title})`, input: () => inputOf(r), kernel: r.kernel })),
    );
  });
  for (const set of SETS) {
    it(set, { timeout: 600_000 }, () => {
      judge(
        set,
        objectRecords(set).map((r) => ({
          title: `${r.object}:${r.name}`,
          input: () => objectInput(set, r),
          kernel: r,
        })),
      );
    });
  }
});
