/** What is mounted where, as a process is told: the host's file systems but where the model has its own (proc_pid_mounts(5), proc_pid_mountinfo(5)). */
import { readFileSync } from 'node:fs';
import type { KernelFiles } from '../../kernel-sim/vfs/types.ts';

const FLAGS = 'rw,nosuid,nodev,noexec,relatime';
/** mount ids above those of hosts */
const FIRST_ID = 100_000;

type Lines = (host: string, mounted: ReturnType<KernelFiles['mounted']>) => string;

/** Lines whose place, in column `at`, is not covered by what the model mounts. */
function uncovered(host: string, at: number, mounted: ReturnType<KernelFiles['mounted']>): string[] {
  return host.split('\n').filter((line) => {
    const place = line.split(' ')[at];
    return place !== undefined && !mounted.some(({ path }) => place === path || place.startsWith(`${path}/`));
  });
}
const mounts: Lines = (host, mounted) =>
  [...uncovered(host, 1, mounted), ...mounted.map(({ path, type }) => `${type} ${path} ${type} ${FLAGS} 0 0`)]
    .map((line) => `${line}\n`)
    .join('');
const mountinfo: Lines = (host, mounted) => {
  const own = mounted.map(
    ({ path, type }, n) =>
      `${FIRST_ID + n} 1 0:${FIRST_ID + n} / ${path} ${FLAGS} shared:${n + 1} - ${type} ${type} rw`,
  );
  return [...uncovered(host, 4, mounted), ...own].map((line) => `${line}\n`).join('');
};
const FILES: Readonly<Record<string, Lines>> = { mounts, mountinfo };

/** The text of a file that says what is mounted; undefined where a path names none. */
export function mountList(path: string, pid: number, files: KernelFiles): string | undefined {
  const name = /^\/proc\/(?:self\/|thread-self\/|\d+\/)?(mounts|mountinfo)$/.exec(path)?.[1];
  const lines = name === undefined ? undefined : FILES[name];
  return lines?.(readFileSync(`/proc/${pid}/${name}`, 'utf8'), files.mounted());
}
