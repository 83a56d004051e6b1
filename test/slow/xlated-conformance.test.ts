/** xlated of every program that both kernels accept: the raw conformance set against the real 6.12. */
import { describe, expect, test } from 'vitest';
import { readInsns } from '../../src/isa/index.ts';
import { comparable, pipeline, type RawRecord } from '../support/rewrite.ts';
import { fromHex, haveShared, readJsonl } from '../support/shared.ts';

interface Conformance extends RawRecord {
  readonly name: string;
  readonly kernel: { readonly loaded: boolean; readonly xlated?: string };
}

describe.skipIf(!haveShared)('xlated', () => {
  test('raw', () => {
    const records = readJsonl<Conformance>('conformance/verifier/raw.jsonl.gz').filter((r) => r.kernel.loaded && r.kernel.xlated);
    let same = 0;
    let refused = 0;
    for (const r of records) {
      let ours: string[] = [];
      try {
        const out = pipeline(r);
        if (!out.ok) {
          refused++;
          if (process.env['SHOW_REFUSED']) console.log(`refused: ${r.name} ${out.errno} ${out.log.slice(-300)}`);
          continue;
        }
        ours = out.xlated;
      } catch (error) {
        ours = [`${error instanceof Error ? error.stack?.split('\n').slice(0, 3).join(' ') : error}`];
      }
      const theirs = comparable(readInsns(fromHex(r.kernel.xlated ?? '')));
      const at = theirs.findIndex((line, n) => line !== ours[n]);
      if (at < 0 && ours.length === theirs.length) same++;
      else console.log(`${r.name}${r.unpriv ? ' (unprivileged)' : ''}: at ${at}: ours '${ours[at]}', the kernel's '${theirs[at]}'`);
    }
    console.log(`xlated, raw: ${same} identical of ${records.length - refused} accepted by both (${records.length} by the kernel)`);
    expect(same).toBeGreaterThan(0);
  });
});
