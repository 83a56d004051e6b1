/** Every program that a real Linux 6.12 refused in the shared data: whether the line that decides is found, and explained. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explainRejection } from '../../src/explain/index.ts';
import { haveShared, readJsonl, sharedPath } from '../support/shared.ts';

interface Answer {
  readonly loaded?: boolean;
  readonly log?: string;
  readonly log_tail?: string;
}

function* refused(): Generator<string> {
  const sweeps = readdirSync(sharedPath('conformance/sweeps')).filter((name) => name.endsWith('.gz'));
  const files = [
    'verifier/raw.jsonl.gz',
    ...['verifier/selftests', 'verifier/selftests-v4', 'objects/libbpf-tools'].map((set) => `${set}/programs.jsonl.gz`),
    ...sweeps.map((name) => `sweeps/${name}`),
  ];
  for (const file of files) {
    for (const record of readJsonl<Answer & { readonly kernel?: Answer }>(`conformance/${file}`)) {
      const { loaded, log, log_tail } = record.kernel ?? record;
      const text = log ?? log_tail ?? '';
      if (loaded === false && text.includes('processed ')) yield text;
    }
  }
}

/** Registers, numbers and names of a text. */
const particulars = (text: string): Set<string> => new Set(text.match(/\bR\d+\b|-?\d+|\b\w*_\w+\b/g) ?? []);

describe.skipIf(!haveShared)('refusals of Linux 6.12', () => {
  it('are explained, nearly all, by what that very log says', { timeout: 60_000 }, () => {
    let all = 0;
    let explained = 0;
    let particular = 0;
    const unknown = new Map<string, number>();
    for (const log of refused()) {
      all++;
      const { message, meaning, insn } = explainRejection(log);
      if (meaning === undefined) unknown.set(message, (unknown.get(message) ?? 0) + 1);
      else {
        explained++;
        const given = particulars(`${log} ${message} ${insn ?? ''}`);
        // a message that names nothing leaves nothing to name
        const nothing = particulars(message).size === 0;
        if (nothing || (meaning !== null && [...particulars(meaning)].some((word) => given.has(word)))) particular++;
      }
    }
    console.log(
      `${explained} of ${all} refusals explained (${((100 * explained) / all).toFixed(1)} %), ` +
        `${((100 * particular) / explained).toFixed(1)} % of them with registers, values or names of the log; ` +
        `not explained: ${[...unknown].map(([message, n]) => `${n} '${message}'`).join(', ')}`,
    );
    expect(explained / all).toBeGreaterThan(0.97);
    expect(particular / explained).toBeGreaterThan(0.95);
  });
});
