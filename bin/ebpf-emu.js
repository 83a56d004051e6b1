#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli.js', import.meta.url);
if (existsSync(main)) {
  const { run } = await import(main.href);
  await run(process.argv);
} else {
  console.error('ebpf-emu: not built yet; run `npm install` (or `npm run build`) in its folder');
  process.exitCode = 1;
}
