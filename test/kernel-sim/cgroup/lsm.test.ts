/**
 * Programs of the LSM in a cgroup (BPF_LSM_CGROUP; bpf_lsm_find_cgroup_shim and __cgroup_bpf_run_lsm_* of Linux 6.12), along the
 * calls of fixtures/worlds/cgroup_unix.strace: what they refuse fails, two on one hook both run, other groups are not asked.
 */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Kernel } from '../../../kernel-sim/index.ts';
import { BpfObject } from '../../../src/object/index.ts';
import { readStrace } from '../../../src/replay/index.ts';

const at = (name: string): Buffer => readFileSync(new URL(`../../../fixtures/worlds/${name}`, import.meta.url));
const calls = (): ReturnType<typeof readStrace>['trace'] => readStrace(at('cgroup_unix.strace').toString()).trace;
async function boot(path: string) {
  const kernel = await Kernel.boot();
  if (path !== '/') kernel.cgroups.mkdir(path);
  const targetFd = kernel.cgroups.open(path);
  const { programs } = BpfObject.open(at('lsm_cgroup.bpf.o')).load(kernel);
  return { kernel, links: Object.values(programs).map((one) => one.attach({ targetFd })) };
}
const said = (kernel: Kernel): string[] =>
  [...kernel.tracePipe.read().matchAll(/bpf_trace_printk: (.*)/g)].map(([, text]) => text as string);

it('programs of a group hang on hooks until they are detached', async () => {
  const { kernel, links } = await boot('/');
  const told: string[] = [];
  kernel.departures.told.add(({ call, result }) => void told.push(`${call} ${result}`));
  expect(await kernel.replay(calls())).toMatchObject({ oopses: [] });
  const lines = said(kernel);
  const netlink = lines.indexOf('create 16 3 0');
  // the hook behind the one that refused is not reached
  expect(lines.slice(netlink, netlink + 3)).toEqual(['create 16 3 0', 'create too 16 3', 'create 2 1 0']);
  expect(lines).toEqual(expect.arrayContaining(['bind 1 2 16', 'connect 1 2', 'listen 77', 'clone 1', 'open 8000']));
  expect(told).toEqual(['listen -1', 'socket -1', 'listen -1']);
  for (const link of links) link.detach();
  expect(await kernel.replay(calls())).toMatchObject({ oopses: [] });
  expect(said(kernel)).toEqual([]);
});

it('a group that the task is not in asks nobody', async () => {
  const { kernel } = await boot('/other');
  expect(await kernel.replay(calls())).toMatchObject({ oopses: [] });
  expect(said(kernel)).toEqual([]);
});
