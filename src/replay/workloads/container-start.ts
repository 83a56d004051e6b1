/** A container runtime: namespaces are made, file systems mounted, capabilities dropped, the program executed. */
import { type Act, actor, type Cast, Chance, call, exec, exit, fork, POINTER, reads, reaps, waits } from './script.ts';

const RUNTIME = 5000;
/** CLONE_NEWNS, NEWUTS, NEWIPC, NEWPID, NEWNET, and SIGCHLD */
const NAMESPACES = 0x2c020000 | 0x40000000 | 17;
const MOUNTS = [
  ['proc', '/proc'],
  ['sysfs', '/sys'],
  ['tmpfs', '/dev'],
  ['devpts', '/dev/pts'],
  ['cgroup2', '/sys/fs/cgroup'],
] as const;
const CAPABILITIES = 41;
const PR_CAPBSET_DROP = 24;

export const tasks = [{ pid: RUNTIME, comm: 'runc' }];

export function containerStart(seed: number): Cast {
  const chance = new Chance(seed);
  const init = function* (): Generator<Act> {
    yield call(40_000, 'sethostname', ['web-1', 5], 0);
    for (const [type, at] of MOUNTS)
      yield call(chance.between(20_000, 80_000), 'mount', [type, `/run/root${at}`, type, 0xe, 0], 0);
    yield call(30_000, 'pivot_root', ['/run/root', '/run/root/.old'], 0);
    yield call(20_000, 'umount2', ['/.old', 2], 0);
    for (let cap = 0; cap < CAPABILITIES; cap++)
      if (chance.below(3) > 0) yield call(800, 'prctl', [PR_CAPBSET_DROP, cap, 0, 0, 0], 0);
    yield call(5_000, 'setgid', [1000], 0);
    yield call(3_000, 'setuid', [1000], 0);
    yield exec(100_000, '/usr/sbin/server', '--foreground');
    yield* reads(chance, '/etc/ld.so.cache', 3, 832);
    yield* reads(chance, '/etc/server.conf', 3, 2048);
    for (let n = 0; n < 5; n++) yield* waits(20_000, 'nanosleep', [POINTER, 0], 0, 2_000_000);
    yield exit(10_000);
  };
  const runtime = function* (): Generator<Act> {
    yield* reads(chance, '/run/bundle/config.json', 3, 4096);
    const child = RUNTIME + 1;
    yield fork(200_000, child, NAMESPACES);
    yield [0, actor(child, init())];
    yield* reaps(20_000, child, 14_000_000);
    yield exit(10_000);
  };
  return { tasks, actors: [actor(RUNTIME, runtime())] };
}
