/**
 * What 96 hooks of the LSM are given along 220 calls, recorded on the real kernel: fixtures/worlds/lsm_args. A replay of the
 * strace prints the same, call by call, but for calls that are named here with what a recording does not tell.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { syscallNamed } from '../../../kernel-sim/data/syscalls.ts';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';

const at = (name: string): Buffer => readFileSync(new URL(`../../../fixtures/worlds/lsm_args${name}`, import.meta.url));

/** calls whose hooks see something else here, and why */
const DIFFER = new Map([
  ['execve', 'which segments an executable has, whether it has a dynamic linker, and that its name is a link'],
  ['stat', 'which part of a path does not exist'],
  ['mount', 'the type of a remount is a stray pointer'],
  ['clone', 'the child has its number already when task_alloc is called'],
  ['add_key', 'a session keyring is looked for first'],
  ['open', '/proc/self and what is below ns are links'],
]);

/** /tmp is a file system of its own there: its root is called / */
const sameRoot = (line: string): string =>
  line.replace(/^(path_\w+|sb_statfs) \/(?= |$)/, '$1 tmp').replace('file_open //', 'file_open tmp/');

/** Lines of the first task, by call. */
function calls(trace: string): { call: string; lines: string[] }[] {
  const out: { call: string; lines: string[] }[] = [];
  let main: string | undefined;
  for (const line of trace.split('\n')) {
    const match = /^ *(\S+-\d+) .*bpf_trace_printk: (.*)$/.exec(line);
    if (match === null) continue;
    const [, task, text] = match as unknown as [string, string, string];
    main ??= task;
    if (task !== main) continue;
    const nr = /^call (\d+)$/.exec(text)?.[1];
    if (nr !== undefined) out.push({ call: nr, lines: [] });
    else out.at(-1)?.lines.push(sameRoot(text));
  }
  return out;
}

it.each(first(1, ['jit', 'step', 'interp'] as const))('hooks are given what Linux gives them (%s)', async (engine) => {
  const kernel = await Kernel.boot({ engine });
  BpfObject.open(at('.bpf.o')).load(kernel).attach();
  expect(await kernel.replay(readStrace(at('.strace').toString()).trace)).toMatchObject({ oopses: [] });
  const linux = calls(at('.trace').toString());
  const here = calls(kernel.tracePipe.read());
  expect(here.map(({ call }) => call)).toEqual(linux.map(({ call }) => call));
  const known = new Set([...DIFFER.keys()].map((name) => String(syscallNamed(name)?.nr)));
  const same = (n: number): boolean => here[n]?.lines.join('\n') === linux[n]?.lines.join('\n');
  expect(here.filter(({ call }, n) => !known.has(call) && !same(n))).toEqual(
    linux.filter(({ call }, n) => !known.has(call) && !same(n)),
  );
  expect(linux.filter((_, n) => same(n)).length).toBeGreaterThanOrEqual(linux.length - 7);
});
