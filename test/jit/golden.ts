/**
 * Goldens of the JIT as text, one record after the other: what a real kernel was given after its
 * rewrites (each slot in hex, with its text) and the image that it made.
 *
 *     == name
 *     features {"retpoline":true}
 *     call 3 ffffffff81286bb0 bpf_ktime_get_ns
 *     xlated
 *     b700000000000000 (b7) r0 = 0
 *     image ffffffffc0000668 28
 *     f30f1efa...
 *
 * To add some: run assembled programs through a booted 6.12 kernel that reports `xlated`, `jited`,
 * `jited_ksyms`, `jited_func_lens` and `calls` as JSON lines, then
 *
 *     npx tsx test/jit/golden.ts OUT.jsonl [FEATURES-JSON] >> test/jit/golden/NAME.txt
 */
import { readFileSync } from 'node:fs';
import { disassemble, type Insn, readInsns } from '../../src/isa/index.ts';
import { DEFAULT_FEATURES } from '../../src/jit/index.ts';
import { fromHex } from '../support/shared.ts';
import type { JitRecord } from './oracle.ts';

export function toGolden(record: JitRecord, features: object = {}): string {
  const lines = [`== ${record.name}`];
  if (Object.keys(features).length > 0) lines.push(`features ${JSON.stringify(features)}`);
  for (const call of record.calls ?? []) if (call.addr) lines.push(`call ${call.insn} ${call.addr} ${call.sym}`);
  lines.push('xlated');
  const insns = readInsns(fromHex(record.xlated));
  insns.forEach((insn, slot) => {
    lines.push(`${record.xlated.slice(slot * 16, slot * 16 + 16)} ${textOf(insns, slot, insn)}`.trimEnd());
  });
  let at = 0;
  record.jited_ksyms.forEach((address, n) => {
    const length = record.jited_func_lens[n] as number;
    lines.push(`image ${address} ${length}`);
    for (let from = at; from < at + length; from += 40)
      lines.push(record.jited.slice(from * 2, Math.min(from + 40, at + length) * 2));
    at += length;
  });
  return `${lines.join('\n')}\n\n`;
}

const textOf = (insns: readonly Insn[], slot: number, insn: Insn): string =>
  insns[slot - 1]?.code === 0x18 ? '' : disassemble(insn, insns[slot + 1]);

export function parseGoldens(text: string): JitRecord[] {
  return text
    .split(/^== /m)
    .slice(1)
    .map((block) => {
      const [name, ...lines] = block.trimEnd().split('\n') as [string, ...string[]];
      const record: JitRecord & { calls: NonNullable<JitRecord['calls']> } = {
        name,
        xlated: '',
        jited: '',
        jited_ksyms: [],
        jited_func_lens: [],
        calls: [],
      };
      for (const line of lines) {
        const [word, a, b, c] = line.split(' ') as [string, string, string, string];
        if (word === 'features') record.features = { ...DEFAULT_FEATURES, ...JSON.parse(line.slice(9)) };
        else if (word === 'call') record.calls.push({ insn: Number(a), addr: b, sym: c });
        else if (word === 'image') {
          record.jited_ksyms.push(a);
          record.jited_func_lens.push(Number(b));
        } else if (record.jited_ksyms.length > 0) record.jited += word;
        else if (word !== 'xlated') record.xlated += word;
      }
      return record;
    });
}

if (process.argv[1]?.endsWith('golden.ts')) {
  const features = JSON.parse(process.argv[3] ?? '{}');
  for (const line of readFileSync(process.argv[2] as string, 'utf8').split('\n')) {
    if (line) process.stdout.write(toGolden(JSON.parse(line), features));
  }
}
