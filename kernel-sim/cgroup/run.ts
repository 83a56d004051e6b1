/** The calls that kernel text makes to what hangs in cgroups (kernel/bpf/cgroup.c, Linux 6.12): one after another, and what comes of it. */

import type { Addr } from '../../src/machine/addr.ts';
import { ERRNO } from '../core/errno.ts';
import { CGROUP_ATTACH_TYPES } from '../data/cgroup-attach-types.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Task } from '../task/task.ts';
import type { On } from '../text/hypercalls.ts';
import type { Cgroup } from './cgroup.ts';

/** what the walk over programs keeps in its caller's frame: `struct bpf_cg_run_ctx`, then these */
const WALK = { bpfCtx: 16, index: 24, type: 28, sk: 32, flags: 40 };
/** what an egress program returns beside its verdict: congestion (BPF_RET_SET_CN) */
const SET_CN = 1;
/** include/linux/netdevice.h */
const NET_XMIT = { SUCCESS: 0, DROP: 1, CN: 2 } as const;

interface Groups {
  of(task: Pick<Task, 'pid'>): Cgroup;
  ofSock(sk: Addr): Cgroup;
  enabled(type: number): boolean;
}

export type { On };
export const isError = (n: number): boolean => n < 0 && n >= -4095;

export function registerRuns(kernel: ObjectFloor, on: On, groups: Groups): void {
  const { args, memory, structs, tasks, departures } = kernel;
  const bpfCtx = structs.of('task_struct').offset('bpf_ctx');
  const retval = (run: Addr): Addr => run + structs.of('bpf_cg_run_ctx').offset('retval');

  on('cgroup_bpf_enabled', () => args.retU32(groups.enabled(args.lo(0)) ? 1 : 0));
  // %run, the socket or 0 for the running task, attach type, what the call returns so far
  on('cgroup_enter', () => {
    const [run, ctx] = [args.addr(0), tasks.current.address + bpfCtx];
    memory.writeU32(retval(run), args.lo(3));
    memory.writeAddr(run + WALK.bpfCtx, memory.readAddr(ctx));
    memory.writeU32(run + WALK.index, 0);
    memory.writeU32(run + WALK.type, args.lo(2));
    memory.writeAddr(run + WALK.sk, args.addr(1));
    memory.writeU32(run + WALK.flags, 0);
    memory.writeAddr(ctx, run);
  });
  on('cgroup_next', () => {
    const run = args.addr(0);
    const sk = memory.readAddr(run + WALK.sk);
    const group = sk === 0 ? groups.of(tasks.current) : groups.ofSock(sk);
    const list = group.effective(memory.readU32(run + WALK.type));
    args.retAddr(list[memory.readU32(run + WALK.index)]?.callee.addr ?? 0);
  });
  // a program that says no without an error of its own: EPERM; the others run all the same
  on('cgroup_verdict', () => {
    const run = args.addr(0);
    if (args.addr(1) !== 0) {
      if ((args.lo(2) & 1) === 0 && !isError(memory.readS32(retval(run)))) memory.writeU32(retval(run), -ERRNO.EPERM);
      memory.writeU32(run + WALK.flags, memory.readU32(run + WALK.flags) | (args.lo(2) >>> 1));
      memory.writeU32(run + WALK.index, memory.readU32(run + WALK.index) + 1);
    }
    args.retU32(args.addr(1) === 0 ? 0 : 1);
  });
  on('cgroup_leave', () => {
    const run = args.addr(0);
    memory.writeAddr(tasks.current.address + bpfCtx, memory.readAddr(run + WALK.bpfCtx));
    args.retInt(memory.readS32(retval(run)));
  });
  // BPF_PROG_CGROUP_INET_EGRESS_RUN_ARRAY: NET_XMIT_* of verdict and congestion; ingress has the error alone
  on('cgroup_xmit', () => {
    const [run, result] = [args.addr(0), args.lo(1)];
    const egress = CGROUP_ATTACH_TYPES[memory.readU32(run + WALK.type)] === 'cgroup_inet_egress';
    const cn = egress && (memory.readU32(run + WALK.flags) & SET_CN) !== 0;
    if (result < 0) args.retInt(cn ? NET_XMIT.DROP : result);
    else args.retInt(cn ? NET_XMIT.CN : NET_XMIT.SUCCESS);
  });
  on('cgroup_error', () => args.retInt(args.addr(0) === 0 ? 0 : args.lo(1)));
  // whether a function that was called said no; the running call then returns what it said
  on('cgroup_refused', () => {
    const refused = args.addr(0) !== 0 && args.lo(1) < 0;
    if (refused) departures.depart(args.lo(1), CGROUP_ATTACH_TYPES[args.lo(2)] ?? String(args.lo(2)));
    args.retU32(refused ? 1 : 0);
  });
}
