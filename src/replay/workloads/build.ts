/** make -j2: compilers that read headers, compute and write objects, then a linker. */

import { ERRNO } from '../../errors/errno.ts';
import {
  type Act,
  actor,
  type Cast,
  Chance,
  call,
  data,
  exec,
  exit,
  fork,
  O_WRONLY_CREAT,
  open,
  reads,
  reaps,
} from './script.ts';

const MAKE = 4000;
const HEADERS = ['stdio.h', 'stdlib.h', 'string.h', 'errno.h', 'stdint.h', 'unistd.h', 'sys/types.h', 'fcntl.h'];
const FILES = ['main', 'parse', 'lex', 'emit', 'table', 'error', 'util', 'io'];

export const tasks = [{ pid: MAKE, comm: 'make' }];

export function build(seed: number): Cast {
  const chance = new Chance(seed);
  const compiler = function* (name: string): Generator<Act> {
    yield exec(chance.between(60_000, 150_000), '/usr/bin/cc', '-O2', '-c', `${name}.c`);
    yield* reads(chance, `/src/${name}.c`, 3, chance.between(500, 20_000));
    for (let n = chance.between(4, 12); n > 0; n--) {
      const header = chance.of(HEADERS);
      // each is looked for in the source first
      yield* reads(chance, `/src/${header}`, -ERRNO.ENOENT, 0);
      yield* reads(chance, `/usr/include/${header}`, 4, chance.between(1_000, 30_000));
    }
    // it computes
    yield open(chance.between(2_000_000, 9_000_000), `/src/${name}.o`, 3, O_WRONLY_CREAT);
    const size = chance.between(2_000, 30_000);
    yield call(5_000, 'write', [3, data('\x7fELF'), size], size);
    yield call(2_000, 'close', [3], 0);
    yield exit(20_000);
  };
  const linker = function* (): Generator<Act> {
    yield exec(80_000, '/usr/bin/ld', '-o', 'a.out');
    for (const name of FILES) yield* reads(chance, `/src/${name}.o`, 3, 20_000);
    yield open(1_500_000, '/src/a.out', 3, O_WRONLY_CREAT);
    yield call(5_000, 'write', [3, data('\x7fELF'), 180_000], 180_000);
    yield call(2_000, 'fsync', [3], 0);
    yield exit(20_000);
  };
  const make = function* (): Generator<Act> {
    yield* reads(chance, '/src/Makefile', 3, 812);
    let pid = MAKE;
    for (let n = 0; n < FILES.length; n += 2) {
      const jobs = FILES.slice(n, n + 2).map((name) => [++pid, name] as const);
      for (const [child, name] of jobs) {
        yield fork(chance.between(30_000, 90_000), child);
        yield [0, actor(child, compiler(name))];
      }
      for (const [child] of jobs) yield* reaps(5_000, child, 11_000_000);
    }
    const child = ++pid;
    yield fork(50_000, child);
    yield [0, actor(child, linker())];
    yield* reaps(5_000, child, 4_000_000);
    yield exit(10_000);
  };
  return { tasks, actors: [actor(MAKE, make())] };
}
