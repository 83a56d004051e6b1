/** A database that reads here and there, one that writes ahead and syncs, and a backup that reads it all in order. */

import { request } from './requests.ts';
import { type Act, actor, type Cast, Chance, call, exit, open, POINTER } from './script.ts';

const READER = 6000;
const WRITER = 6001;
const BACKUP = 6002;
const PAGE = 8192;
const SECTORS = PAGE / 512;

export const tasks = [
  { pid: READER, comm: 'postgres' },
  { pid: WRITER, comm: 'walwriter' },
  { pid: BACKUP, comm: 'tar' },
];

export function disk(seed: number): Cast {
  const chance = new Chance(seed);
  const reader = function* (): Generator<Act> {
    yield open(10_000, '/var/lib/db/base/1', 5);
    for (let n = 0; n < 60; n++) {
      const block = chance.below(1 << 16);
      // most are in memory
      if (chance.below(3) === 0) yield* request(chance, 'R', block * SECTORS, SECTORS, chance.between(80_000, 900_000));
      yield call(chance.between(10_000, 60_000), 'pread64', [5, POINTER, PAGE, block * PAGE], PAGE);
    }
    yield exit(10_000);
  };
  const writer = function* (): Generator<Act> {
    yield open(10_000, '/var/lib/db/wal/1', 6, 1);
    for (let n = 0; n < 30; n++) {
      yield call(chance.between(100_000, 600_000), 'pwrite64', [6, POINTER, PAGE, n * PAGE], PAGE);
      yield* request(chance, 'WS', (1 << 22) + n * SECTORS, SECTORS, chance.between(200_000, 2_500_000));
      yield call(5_000, 'fdatasync', [6], 0);
    }
    yield exit(10_000);
  };
  const backup = function* (): Generator<Act> {
    yield open(10_000, '/var/lib/db/base/1', 4);
    for (let n = 0; n < 40; n++) {
      yield* request(chance, 'R', n * 256, 256, chance.between(150_000, 400_000));
      yield call(chance.between(20_000, 50_000), 'read', [4, POINTER, 131_072], 131_072);
    }
    yield exit(10_000);
  };
  return { tasks, actors: [actor(READER, reader()), actor(WRITER, writer()), actor(BACKUP, backup())] };
}
