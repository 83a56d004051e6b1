/** The tables against the verifier itself: every message that its sources can print has a row. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { explainRejection, topicOf } from '../../src/explain/index.ts';

const root = fileURLToPath(new URL('../../src/verifier', import.meta.url));
const TEXT = String.raw`(?:\x60(?:[^\x60\\]|\\.)*\x60|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")`;
/** What ends a verification with a line: its errno, its text. */
const FAILS = new RegExp(
  String.raw`(?:\.fail\(\s*[^,()]+?,|RewriteError\('\w+',|\berror\(|refuse\('\w+',)\s*(${TEXT}(?:\s*\+\s*${TEXT})*)`,
  'g',
);

/** What stands in a message for these expressions of the sources, by file where one name means several things. */
const FILLS: Readonly<Record<string, string>> = {
  how: '',
  outside: 'R3 offset is outside of the packet',
  NEGATIVE_MIN: 'min value is negative, either use unsigned index or do a if (index >=0) check.',
  'opText(insn)': 'add',
  title: 'kfunc bpf_task_release#7',
  'field.kind': 'bpf_spin_lock',
  R_dst: 'R3',
  regName: 'R3',
  'align.ts where': 'access off ',
  'retval.ts where': 'At subprogram exit',
  'stack.ts where': 'off 7',
  'stack.ts 91 where': 'invalid write to stack R3 off=-520',
  'map.ts what': 'write into',
  'lock.ts what': 'map',
};

/** A message as it could be: registers numbered, names and numbers filled in. */
const example = (file: string, source: string): string =>
  source
    .replace(/[\x60'"]\s*\+\s*[\x60'"]/g, '')
    .slice(1, -1)
    .replace(/\\n.*$/s, '')
    .replace(/\\'/g, "'")
    .replace(/^\$\{where\} size/, FILLS['stack.ts 91 where'] + ' size')
    .replace(/R\$\{[^}]*\}/g, 'R3')
    .replace(/\$\{((?:[^{}]|\{[^}]*\})*)\}/g, (_, of: string) => FILLS[`${file} ${of}`] ?? FILLS[of] ?? '7');

function* messages(): Generator<{ file: string; text: string }> {
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const source = readFileSync(join(entry.parentPath, entry.name), 'utf8');
    for (const [, text = ''] of source.matchAll(FAILS)) yield { file: entry.name, text: example(entry.name, text) };
  }
}

describe('every message of the verifier', () => {
  const all = [...messages()];
  it('is found in its sources', () => {
    expect(all.length).toBeGreaterThan(350);
  });
  it('has a meaning, or deliberately none', () => {
    const without = all.filter(({ text }) => text !== '' && explainRejection(text).meaning === undefined);
    expect(without.map(({ file, text }) => `${file}: ${text}`)).toEqual([]);
  });
  it('with a meaning has a topic, but for records of BTF, arenas and the kernel itself', () => {
    const RARE = /info|BTF|addr_?space|arena|misconfigured|local type ID|module function/;
    const told = all.filter(({ text }) => text !== '' && explainRejection(text).meaning !== null);
    const without = told.filter(({ text }) => !topicOf(text) && !RARE.test(text));
    expect(without.map(({ file, text }) => `${file}: ${text}`)).toEqual([]);
  });
});
