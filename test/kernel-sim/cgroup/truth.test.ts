/**
 * Fifteen kinds of program in the root cgroup while bash sends a datagram and cat reads a sysctl and a device, recorded on
 * the real kernel: fixtures/worlds/cgroup_kinds. A replay prints what was printed there.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';
import { printed } from '../support/printed.ts';

const at = (name: string): Buffer =>
  readFileSync(new URL(`../../../fixtures/worlds/cgroup_kinds${name}`, import.meta.url));
it.each(first(1, ['jit', 'step', 'interp'] as const))(
  'kinds of cgroups: order, arguments and flags (%s)',
  async (engine) => {
    const kernel = await Kernel.boot({ engine });
    const targetFd = kernel.cgroups.open('/');
    for (const program of Object.values(BpfObject.open(at('.bpf.o')).load(kernel).programs))
      program.attach({ targetFd });
    expect(await kernel.replay(readStrace(at('.strace').toString()).trace)).toMatchObject({ oopses: [] });
    const expected = printed(at('.trace').toString());
    // opening /dev/tty fails behind its inode's permission: a recorded error does not tell where it was found
    const known = expected.filter((line) => !line.endsWith('dev 60002 5 0'));
    expect(known.length).toBe(expected.length - 1);
    expect(printed(kernel.tracePipe.read())).toEqual(known);
  },
);
