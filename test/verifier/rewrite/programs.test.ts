/** Rewrites, one program each, against what Linux 6.12.117 (Debian amd64) made of it; see the source of each in the golden. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { readInsns } from '../../../src/isa/index.ts';
import { comparable, pipeline, type RawRecord } from '../../support/rewrite.ts';
import { fromHex, haveShared } from '../../support/shared.ts';

interface Golden extends RawRecord {
  readonly id: string;
  readonly source: string;
  readonly xlated: string;
}

describe.skipIf(!haveShared)('rewrites', () => {
  for (const file of ['programs', 'kernel-objects'])
    for (const line of readFileSync(new URL(`golden/${file}.jsonl`, import.meta.url), 'utf8')
      .trim()
      .split('\n')) {
      const record = JSON.parse(line) as Golden;
      test(record.id, ({ skip }) => {
        const out = pipeline(record);
        if (!out.ok && out.log.includes('is not modelled')) skip(out.log.match(/.*is not modelled.*/)?.[0]);
        expect(out.ok ? '' : `${out.errno}\n${out.log}`).toBe('');
        if (out.ok) expect(out.xlated).toEqual(comparable(readInsns(fromHex(record.xlated))));
      });
    }
});
