/** A shell that starts one short program after the other, some at a time: what fork and exec cost, who reaps whom. */
import { type Act, actor, type Cast, Chance, exec, exit, fork, reads, reaps } from './script.ts';

const SHELL = 2000;
const PROGRAMS = ['/usr/bin/true', '/usr/bin/date', '/usr/bin/id', '/usr/bin/uname', '/usr/bin/basename'];
const LIBRARIES = ['/etc/ld.so.cache', '/lib/x86_64-linux-gnu/libc.so.6'];

export const tasks = [{ pid: SHELL, comm: 'bash' }];

export function forkStorm(seed: number): Cast {
  const chance = new Chance(seed);
  const program = function* (path: string): Generator<Act> {
    yield exec(chance.between(50_000, 200_000), path);
    for (const library of LIBRARIES) yield* reads(chance, library, 3, 832);
    yield exit(chance.between(20_000, 400_000), chance.below(10) === 0 ? 1 : 0);
  };
  const shell = function* (): Generator<Act> {
    let pid = SHELL;
    for (let round = 0; round < 40; round++) {
      const children = Array.from({ length: chance.between(1, 4) }, () => ++pid);
      for (const child of children) {
        yield fork(chance.between(20_000, 80_000), child);
        yield [0, actor(child, program(chance.of(PROGRAMS)))];
      }
      for (const child of children)
        yield* reaps(chance.between(2_000, 10_000), child, chance.between(600_000, 1_200_000));
    }
    yield exit(10_000);
  };
  return { tasks, actors: [actor(SHELL, shell())] };
}
