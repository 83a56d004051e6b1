/** A process that boots a kernel for each moment it is told of on standard input, goes there, and says what it finds. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { arrive, type Moment } from './save-proof.ts';

const self = fileURLToPath(import.meta.url);

/** What a fresh process arrives at, moment by moment. */
export function inFreshProcess(moments: readonly Moment[]): string[] {
  const places = moments.map(({ engine, kind, count }) => ({ engine, kind, count }));
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', self], {
    encoding: 'utf8',
    input: JSON.stringify(places),
  });
  if (status !== 0) throw new Error(stderr);
  return stdout.trim().split('\n');
}

if (process.argv[1] === self)
  for (const place of JSON.parse(readFileSync(0, 'utf8')) as Moment[]) console.log(await arrive(place));
