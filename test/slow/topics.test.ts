/** Programs that explanations show: the wrong ones are refused for the reason that the topic is about, the right ones accepted. */
import { describe, expect, it } from 'vitest';
import { BpfError, Kernel } from '../../kernel-sim/index.ts';
import { explainRejection, type Topic, topicOf, topics } from '../../src/explain/index.ts';
import { assemble, writeInsns } from '../../src/isa/index.ts';
import { compile, findClang } from '../../src/object/clang.ts';
import { BpfObject } from '../../src/object/index.ts';

let haveClang = true;
try {
  findClang();
} catch {
  haveClang = false;
  console.log('skipped: no clang, so programs of explanations are not compiled');
}

const PRELUDE = `#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } counts SEC(".maps");
`;
const LICENSE = '\nchar LICENSE[] SEC("license") = "GPL";\n';

/** The line that decides, or '' where the program is accepted. */
async function verdict(topic: Topic, text: string): Promise<string> {
  const kernel = await Kernel.boot();
  try {
    if (topic.language === 'asm')
      kernel.bpf.progLoad({
        type: 'socket_filter',
        insns: writeInsns(assemble(text).insns),
        license: 'GPL',
        logLevel: 2,
        ...(topic.name === 'pointer-leak' ? { unpriv: true } : {}),
      });
    else {
      // registers by the names that kernel headers give them
      const source = `${PRELUDE}${text.replaceAll(/ctx->r(\w+)/g, 'ctx->r$1')}${text.includes('LICENSE') ? '' : LICENSE}`;
      BpfObject.open(compile(source), { name: topic.name }).load(kernel, { logLevel: 2 });
    }
    return '';
  } catch (error) {
    if (error instanceof BpfError && error.log) return explainRejection(error.log).message;
    return error instanceof Error ? error.message : String(error);
  }
}

describe.skipIf(!haveClang)('each topic', () => {
  it.each(topics.map((topic) => [topic.name, topic] as const))('%s', async (name, topic) => {
    expect(await verdict(topic, topic.right), 'the right one').toBe('');
    const message = await verdict(topic, topic.wrong);
    expect(message, 'the wrong one').not.toBe('');
    if (topic.messages.length > 0) expect(topicOf(message)?.name, message).toBe(name);
  });
});
