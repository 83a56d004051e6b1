// npm prepares a package when it installs it, when it packs it and when npx runs it from its own folder for the first
// time. What is built already, from what lies here now, is not built again: the first `npx ebpf-emu` would wait for it.
import { execFileSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

const SOURCES = [
  'src',
  'kernel-sim',
  'bin',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.types.json',
];
/** what a build writes last */
const LAST = 'dist/index.d.cts';

/** When something came, went or was written here. */
function changed(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return readdirSync(path).reduce((latest, name) => Math.max(latest, changed(join(path, name))), stat.mtimeMs);
}

const built = statSync(LAST, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (built <= Math.max(...SOURCES.map(changed)))
  for (const step of ['bin/build.mjs', 'bin/types.mjs']) execFileSync(process.execPath, [step], { stdio: 'inherit' });
