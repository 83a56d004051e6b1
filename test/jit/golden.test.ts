import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { jit } from '../../src/jit/index.ts';
import { parseGoldens, toGolden } from './golden.ts';
import { firstDifference, jitInput, patchPokes } from './oracle.ts';

const folder = new URL('golden/', import.meta.url);

/** Images that Linux 6.12.117 (Debian, amd64) made of programs written for this. */
describe.each(readdirSync(folder))('JIT golden %s', (file) => {
  const text = readFileSync(new URL(file, folder), 'utf8');
  it.each(parseGoldens(text).map((record) => [record.name, record] as const))('%s', (_, record) => {
    const out = jit(jitInput(record));
    patchPokes(out, record);
    expect(firstDifference(out, record)).toBeUndefined();
    const { features, ...plain } = record;
    const block = toGolden(plain).trimEnd().split('\n').slice(1).join('\n');
    if (!features) expect(text).toContain(block);
  });
});
