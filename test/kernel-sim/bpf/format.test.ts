/** Format strings against bpf_snprintf of the real kernel. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { type FormatEnv, format } from '../../../kernel-sim/bpf/helpers/bodies/format.ts';

const SYMBOL = -0x7ed7_8bd0; // ___bpf_prog_run of the kernel that answered, 0x2090 bytes
const SIZE = 0x2090;

const env: FormatEnv = {
  string: () => undefined,
  bytes: (_at, size) => new Uint8Array(size),
  symbol: (at, form) => {
    if (form === 'B' && at === SYMBOL) return '__pfx____bpf_prog_run+0x10/0x10';
    if (at < SYMBOL || at >= SYMBOL + SIZE) return `0x${at.toString(16)}`;
    return form === 's' ? '___bpf_prog_run' : `___bpf_prog_run+0x${(at - SYMBOL).toString(16)}/0x2090`;
  },
  hash: (at) => at & 0xffff_ffffn,
};

it('formats as the kernel does, and refuses what it refuses', () => {
  const lines = readFileSync(new URL('goldens/snprintf.golden.jsonl', import.meta.url), 'utf8')
    .split('\n')
    .filter((l) => l !== '');
  const wrong: string[] = [];
  for (const line of lines) {
    const [fmt, args, size, result, text] = JSON.parse(line) as [string, string[], number, number | string, string?];
    const got = format(fmt, args.map(BigInt), env);
    const want = typeof result === 'string' ? undefined : text;
    const kept = got?.slice(0, size - 1).replace(/\0+$/, '');
    if (kept !== want || (got !== undefined && got.length + 1 !== result))
      wrong.push(`${line}: ${JSON.stringify(got)}`);
  }
  expect(wrong).toEqual([]);
});
