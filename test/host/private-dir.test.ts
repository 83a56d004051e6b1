/** The folder of a run: what others left behind goes, what others use stays. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { clearStale, PrivateDir } from '../../src/host/private-dir.ts';

const folder = mkdtempSync(join(tmpdir(), 'test-private-dir-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('clears folders of processes that are no more', () => {
  // one that has just ended
  const { pid: dead } = spawnSync('true');
  for (const name of [`p-${dead}-a`, `p-${process.pid}-b`, `p-1-c`, `q-${dead}-d`, 'p-x'])
    mkdirSync(join(folder, name));
  clearStale(folder, 'p-');
  expect(readdirSync(folder).sort()).toEqual(['p-1-c', `p-${process.pid}-b`, 'p-x', `q-${dead}-d`].sort());
});

it('is there until it is removed', () => {
  const dir = new PrivateDir();
  const file = dir.snapshot('/proc/version', Uint8Array.of(1));
  new PrivateDir().remove();
  expect(existsSync(file)).toBe(true);
  dir.remove();
  expect(existsSync(dir.path)).toBe(false);
});
