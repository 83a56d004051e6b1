/**
 * Programs of the root cgroup while a task uses sockets of AF_UNIX, recorded on the real kernel: fixtures/worlds/cgroup_unix.
 * A listening socket is asked for its name by TOMOYO; a connection of datagrams is refused.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { readStrace } from '../../../src/replay/index.ts';
import { first } from '../../support/depth.ts';
import { printed } from '../support/printed.ts';

const at = (name: string): Buffer =>
  readFileSync(new URL(`../../../fixtures/worlds/cgroup_unix${name}`, import.meta.url));
it.each(first(1, ['jit', 'step', 'interp'] as const))(
  'kinds of AF_UNIX are called where Linux calls them (%s)',
  async (engine) => {
    const kernel = await Kernel.boot({ engine });
    const targetFd = kernel.cgroups.open('/');
    for (const program of Object.values(BpfObject.open(at('.bpf.o')).load(kernel).programs))
      program.attach({ targetFd });
    // the connection that was refused there would have been made
    const trace = at('.strace')
      .toString()
      .replace(/^(.* connect\(21, .*dgram.*\) += ).*$/m, '$10');
    expect(await kernel.replay(readStrace(trace).trace)).toMatchObject({ oopses: [] });
    expect(printed(kernel.tracePipe.read())).toEqual(printed(at('.trace').toString()));
  },
);
