/** The supervisor, compiled once by the user's C compiler into a cache. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { HostError } from './errors.ts';

const CC = process.env['CC'] ?? 'cc';
const FLAGS = ['-O2', '-Wall', '-std=gnu11'];

const cacheRoot = (): string => process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');

/** Path of the executable. `source`: folder of its C files. @throws HostError where it cannot be compiled, with what to install */
export function supervisorPath(source: string): string {
  const files = readdirSync(source)
    .filter((name) => name.endsWith('.c') || name.endsWith('.h'))
    .sort();
  const hash = createHash('sha256').update(FLAGS.join(' '));
  for (const name of files) hash.update(readFileSync(join(source, name)));
  const folder = join(cacheRoot(), 'ebpf-emu');
  const path = join(folder, `supervisor-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const making = `${path}.${process.pid}`;
  const sources = files.filter((name) => name.endsWith('.c')).map((name) => join(source, name));
  const { error, status, stderr } = spawnSync(CC, [...FLAGS, '-o', making, ...sources], { encoding: 'utf8' });
  if (error) {
    throw new HostError('ERR_HOST', `exec needs a C compiler once, and '${CC}' cannot be started (${error.message})`, {
      hint: 'install one (Debian: apt install gcc libc6-dev), or name yours in CC',
    });
  }
  if (status !== 0) {
    throw new HostError('ERR_HOST', `'${CC}' could not compile the supervisor:\n${stderr.trim()}`, {
      hint: 'the C library headers and those of the kernel are needed (Debian: libc6-dev)',
    });
  }
  renameSync(making, path);
  return path;
}
