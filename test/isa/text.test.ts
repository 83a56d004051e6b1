import { describe, expect, it } from 'vitest';
import { disassemble, readInsns } from '../../src/isa/index.ts';
import { fromHex, haveShared, readJsonl } from '../support/shared.ts';

/** Every instruction line of the kernel's own verifier logs, against the instruction that it prints. */
describe.runIf(haveShared)('text against verifier logs of Linux 6.12', () => {
  interface Answer {
    log?: string;
    log_head?: string;
    log_tail?: string;
  }
  it.each([
    'verifier/raw',
    'verifier/selftests/programs',
    'verifier/selftests-v4/programs',
    'objects/libbpf-tools/programs',
  ])('%s', (set) => {
    const forms = new Set<string>();
    let lines = 0;
    for (const record of readJsonl<Answer & { insns?: string; kernel?: Answer }>(`conformance/${set}.jsonl.gz`)) {
      if (!record.insns) continue;
      const answer = record.kernel ?? record;
      const insns = readInsns(fromHex(record.insns));
      for (const match of (answer.log ?? answer.log_head?.replace(/.*$/, '') ?? '').matchAll(
        /^(\d+): (\([0-9a-f]{2}\) .*?)(?: +;.*)?$/gm,
      )) {
        const slot = insns[Number(match[1])];
        const want = (match[2] as string).trimEnd();
        if (!slot) continue;
        const text = disassemble(slot, insns[Number(match[1]) + 1], {
          // names and map addresses are the kernel's knowledge, not the instruction's
          call: (i) => (i.src === 1 ? undefined : /call ([\w-]+)#/.exec(want)?.[1]),
          imm: (i, value) => (i.src === 0 ? `0x${value.toString(16)}` : / = (.*)$/.exec(want)?.[1]),
        });
        if (text !== want) expect(`${match[1]}: ${text}`).toBe(match[0]);
        forms.add(`${slot.code}`);
        lines++;
      }
    }
    console.log(`${set}: ${lines} lines identical, ${forms.size} opcodes`);
  });
});

describe('forms that are no instructions', () => {
  // as Linux 6.12.117 printed them in front of its refusal
  it.each([
    ['bc22200000000000', '(bc) w2 = (s32)w2'],
    ['bc22100000000000', '(bc) w2 = (s16)w2'],
  ])('%s', (bytes, text) => {
    expect(disassemble(readInsns(fromHex(bytes))[0]!)).toBe(text);
  });
});
