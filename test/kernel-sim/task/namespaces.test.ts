/**
 * Namespaces by unshare, clone and setns, recorded on the real kernel: fixtures/worlds/namespaces. A replay walks `nsproxy`,
 * `thread_pid` and credentials to the same inode numbers, levels, names and pids.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { encodeUtf8 } from '../../../src/platform/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';

const at = (name: string): Buffer =>
  readFileSync(new URL(`../../../fixtures/worlds/namespaces${name}`, import.meta.url));
const lines = (trace: string): string[] =>
  trace
    .split('\n')
    .filter((line) => line.includes('bpf_trace_printk: ') && !line.includes('bash-'))
    .map((line) => line.replace(/^ *(\S+) .*?bpf_trace_printk: (.*)$/, '$1 $2'));

it.each(first(1, ['jit', 'step', 'interp'] as const))(
  'a task is in the namespaces that Linux has it in (%s)',
  async (engine) => {
    const kernel = await Kernel.boot({ engine });
    const { namespaces } = kernel.objects;
    namespaces.rename(namespaces.first('uts'), 'nodename', encodeUtf8('oracle'));
    BpfObject.open(at('.bpf.o')).load(kernel).attach();
    expect(await kernel.replay(readStrace(at('.strace').toString()).trace)).toMatchObject({ oopses: [] });
    expect(lines(kernel.tracePipe.read())).toEqual(lines(at('.trace').toString()));
  },
);
