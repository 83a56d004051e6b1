/**
 * Random programs (`fuzz.ts`, `fuzz-pointers.ts`) that Debian's Linux 6.12.117 judged: the whole log
 * must be the same, every range, liveness mark, precision line and count in it.
 */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { errnoName, inputOf, mask, type RawRecord, verify } from './oracle.ts';

const records = gunzipSync(readFileSync(new URL('data/random-6.12.117.jsonl.gz', import.meta.url)))
  .toString('utf8')
  .split('\n')
  .filter((line) => line.length > 0)
  .map((line) => JSON.parse(line) as RawRecord);

it(`the logs of ${records.length} random programs are Linux's`, () => {
  for (const record of records) {
    const mine = verify(inputOf(record));
    expect(mask(mine.log), record.name).toBe(mask(record.kernel.log ?? ''));
    expect(mine.ok ? '' : mine.errno, record.name).toBe(record.kernel.loaded ? '' : errnoName(record.kernel.errno));
  }
});
