/** `ebpf-emu explain`: a message of the verifier, a topic, or a function that older kernels had. */

import { becameOf } from '../../../kernel-sim/data/renamed.ts';
import { nearIt } from '../../errors/near.ts';
import { explained, nearTopics, topicList } from '../../explain/show.ts';
import { UserError } from '../errors.ts';
import { readInput } from '../files.ts';
import { boot, type KernelOptions } from '../session.ts';
import { print } from '../terminal.ts';

export async function explain(words: readonly string[], options: KernelOptions): Promise<void> {
  const text = words.length === 1 && words[0] === '-' ? readInput('-').toString('utf8') : words.join(' ');
  if (text.trim() === '') {
    print(`Topics, each with a program that is refused and one that is accepted:\n\n${topicList()}`);
    return;
  }
  const found = explained(text) ?? (/^[\w.]+$/.test(text) ? await functionText(text, options) : undefined);
  if (found === undefined) {
    const near = nearTopics(text);
    throw new UserError(`nothing is known of '${text.trim()}'${nearIt(near)} (\`ebpf-emu explain\` lists the topics)`);
  }
  print(found);
}

/** What became of a function, or that it is there. */
async function functionText(name: string, options: KernelOptions): Promise<string | undefined> {
  const { symbols, probes } = await boot(options);
  const became = becameOf(name);
  const isThere = symbols.find(name) !== undefined;
  const reached = (of: string): string =>
    probes.reaches(of) ? 'a replay passes through it' : 'no replay passes through it';
  if (became) {
    const now = became.now.filter((n) => symbols.find(n) !== undefined);
    const what = isThere ? `${name} is there in this kernel` : `${name} is not there in this kernel`;
    const next = now.length > 0 ? `; since Linux ${became.since} it is ${now.join(' and ')}` : '';
    const note = became.note === undefined ? '' : ` (${became.note})`;
    const probe = now.map((n) => `  kprobe/${n}: ${reached(n)}\n`).join('');
    return `${what}${next}${note}.\n${probe}`;
  }
  if (isThere) return `${name} is a function of this kernel: ${reached(name)}.\n`;
  const near = symbols.near(name);
  return near.length > 0 ? `${name} is not there in this kernel; near it: ${near.join(', ')}.\n` : undefined;
}
