/** What is explained: every refusal has a topic, functions of old kernels have a successor that is there. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { becameOf, becameText, RENAMED_FUNCTIONS } from '../../kernel-sim/data/renamed.ts';
import { Kernel, KernelError } from '../../kernel-sim/index.ts';
import { topicOf, topics } from '../../src/explain/index.ts';
import { explained, nearTopics, topicList } from '../../src/explain/show.ts';
import { BpfObject } from '../../src/object/index.ts';

describe('topics', () => {
  it('have names of their own, and a program that is refused and one that is accepted', () => {
    expect(new Set(topics.map((t) => t.name)).size).toBe(topics.length);
    for (const topic of topics) expect(topic.wrong, topic.name).not.toBe(topic.right);
    expect(topicList().split('\n').length).toBe(topics.length + 1);
  });

  it('are found by their name, by a message, by a log', () => {
    expect(explained('null check')).toContain('Refused:\n\n    SEC("socket") int count');
    expect(explained("R0 invalid mem access 'map_value_or_null'")).toMatch(
      /^R0 may be NULL here[\s\S]*\n\nnull-check: A pointer may be NULL/,
    );
    const log =
      "0: (b7) r1 = 0    ; R1_w=0\n1: (61) r0 = *(u32 *)(r1 +0)\nR1 invalid mem access 'scalar'\nprocessed 2 insns\n";
    expect(explained(log)).toMatch(/^R1 invalid mem access 'scalar'\n\nR1 is a number since instruction 0, r1 = 0/);
    expect(explained('nothing of the kind')).toBeUndefined();
    expect(nearTopics('nul-check')).toEqual(['null-check']);
  });

  it('the narrow one of several that a message meets', () => {
    const name = (message: string): string | undefined => topicOf(message)?.name;
    expect(name('cannot call GPL-restricted function from non-GPL compatible program')).toBe('gpl');
    expect(name('tail_call would lead to reference leak')).toBe('reference-leak');
    expect(name('sleepable helper bpf_copy_from_user#148 in rcu_read_lock region')).toBe('sleepable');
    expect(name('R3 pointer arithmetic on map_value_or_null prohibited, null-check it first')).toBe('null-check');
    expect(name('verifier bug')).toBeUndefined();
  });
});

describe('functions of older kernels', () => {
  it('have a successor that is in this one', async () => {
    const { symbols } = await Kernel.boot();
    const has = (name: string): boolean => symbols.find(name) !== undefined;
    const lost = RENAMED_FUNCTIONS.filter((name) => !becameOf(name)?.now.some(has));
    expect(lost).toEqual([]);
    expect(becameText('sys_clone', has)).toBe('; in Linux 4.17 it became __x64_sys_clone');
    expect(becameText('sys_no_such_call', has)).toBe('');
    expect(becameText('vfs_read', has)).toBe('');
  });

  it('attaching to one says what it became', async () => {
    const kernel = await Kernel.boot();
    const object = BpfObject.open(readFileSync(new URL('../../fixtures/hello.o', import.meta.url)), {
      name: 'hello.o',
    });
    const attach = (func: string) => () => object.load(kernel, { sections: { hello: `kprobe/${func}` } }).attach();
    expect(attach('_do_fork')).toThrow(KernelError);
    expect(attach('_do_fork')).toThrow(/no kernel function _do_fork; in Linux 5.10 it became kernel_clone/);
    expect(attach('sys_openat')).toThrow(/it became __x64_sys_openat/);
  });
});
