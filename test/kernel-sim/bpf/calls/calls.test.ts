/** What helpers answer, and what they leave in memory and packets, against the real kernel: scripts and answers in `*.golden.txt`. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Kernel } from '../../../../src/index.ts';
import { differences } from './replay.ts';

const kernel = await Kernel.boot();
const goldens = readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.golden.txt'));

it.each(goldens)('%s', (name) => {
  const text = readFileSync(new URL(name, import.meta.url), 'utf8');
  expect(differences(kernel, text)).toEqual([]);
});
