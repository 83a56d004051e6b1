/** Format strings against bpf_snprintf of the real kernel. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parseFormat } from '../../../kernel-sim/bpf/helpers/bodies/format.ts';
import { type FormatEnv, FormatPrinter } from '../../../kernel-sim/bpf/helpers/bodies/format-printer.ts';

const SYMBOL = -0x7ed7_8bd0; // ___bpf_prog_run of the kernel that answered, 0x2090 bytes
const SIZE = 0x2090;

const env: FormatEnv = {
  string: () => -1,
  bytes: (_at, size) => new Uint8Array(size),
  symbol: (at, form) => {
    if (form === 'B' && at === SYMBOL) return '__pfx____bpf_prog_run+0x10/0x10';
    if (at < SYMBOL || at >= SYMBOL + SIZE) return `0x${at.toString(16)}`;
    return form === 's' ? '___bpf_prog_run' : `___bpf_prog_run+0x${(at - SYMBOL).toString(16)}/0x2090`;
  },
  hash: (lo) => lo >>> 0,
};

const printer = new FormatPrinter(env);

/** The whole text, Latin-1; undefined where the format is refused. */
function format(fmt: string, args: readonly bigint[], limit = 1 << 20): string | undefined {
  const conversions = parseFormat(Buffer.from(fmt, 'latin1'));
  const words = new Int32Array(BigInt64Array.from(args).buffer);
  if (conversions === undefined || !printer.print(conversions, words, args.length, limit)) return undefined;
  return Buffer.from(printer.out.subarray(0, Math.min(limit, printer.length))).toString('latin1');
}

it('formats as the kernel does, and refuses what it refuses', () => {
  const lines = readFileSync(new URL('golden/snprintf.golden.jsonl', import.meta.url), 'utf8')
    .split('\n')
    .filter((l) => l !== '');
  const wrong: string[] = [];
  for (const line of lines) {
    const [fmt, args, size, result, text] = JSON.parse(line) as [string, string[], number, number | string, string?];
    const got = format(fmt, args.map(BigInt));
    const want = typeof result === 'string' ? undefined : text;
    const kept = got?.slice(0, size - 1).replace(/\0+$/, '');
    if (kept !== want || (got !== undefined && got.length + 1 !== result))
      wrong.push(`${line}: ${JSON.stringify(got)}`);
  }
  expect(wrong).toEqual([]);
});

it('keeps as much as there is room for, and says how long the whole is', () => {
  for (const limit of [0, 1, 5, 9, 10, 11, 100]) {
    expect(format('<%5d|%-5x|%05u>', [-42n, 0xbeefn, 7n], limit)).toBe('<  -42|beef |00007>'.slice(0, limit));
    expect(printer.length).toBe(19);
  }
  expect(format('%9000000d', [1n], 4)).toBe('    ');
});

it('prints numbers of 64 bits as BigInt does', () => {
  const values = [
    0n,
    1n,
    9n,
    10n,
    99n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    2n ** 53n + 1n,
    2n ** 63n,
    2n ** 64n - 1n,
  ];
  for (let n = 0n; n < 2000n; n++) values.push(BigInt.asUintN(64, n ** 7n * 0x9e3779b97f4a7c15n));
  for (const v of values) {
    const signed = BigInt.asIntN(64, v);
    const want = `${signed} ${v} ${v.toString(16)} ${BigInt.asIntN(32, v)} ${BigInt.asUintN(32, v)}`;
    expect(format('%lld %llu %llx %d %u', [v, v, v, v, v])).toBe(want);
  }
});
