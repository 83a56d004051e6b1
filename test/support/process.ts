/** The command line as its users get it: built, in a process of its own. */
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buildCli } from '../../bin/cli.mjs';

async function build(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'ebpf-emu-built-'));
  process.once('exit', () => rmSync(root, { recursive: true, force: true }));
  // what the package has, and what is installed beside it
  for (const part of ['bin', 'package.json', 'fixtures/traces']) cpSync(part, join(root, part), { recursive: true });
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'), 'junction');
  await buildCli(root);
  return root;
}

let built: Promise<string> | undefined;
/** Folder of what the sources are now, built once. */
export const installed = (): Promise<string> => (built ??= build());

/** Path of its command in a folder that `installed` gave. */
export const command = (root: string): string => join(root, 'bin/ebpf-emu.cjs');
