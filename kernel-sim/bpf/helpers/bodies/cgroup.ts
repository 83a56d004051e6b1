/** Helpers of programs in cgroups: what the call returns if they say no, and which groups there are (kernel/bpf/cgroup.c). */

import { MAX_ERRNO } from '../../../../src/errors/errno.ts';
import type { Addr } from '../../../../src/machine/addr.ts';
import type { Cgroup } from '../../../cgroup/cgroup.ts';
import { ERRNO } from '../../../core/errno.ts';
import { CgroupArrayMap } from '../../maps/index.ts';
import type { HelperBodies, HelperCall } from './call.ts';

/** `struct bpf_cg_run_ctx` of the running program */
const retval = ({ kernel }: HelperCall): Addr => {
  const { memory, structs, tasks } = kernel;
  const run = memory.readAddr(tasks.current.address + structs.of('task_struct').offset('bpf_ctx'));
  return run + structs.of('bpf_cg_run_ctx').offset('retval');
};

/** Whether a group is, or is below, the one in a slot of a cgroup array: the map is argument n, the slot's number the next. */
export function underSlot(call: HelperCall, n: number, group: Cgroup): number {
  const { args, kernel } = call;
  const array = call.map(n);
  const index = args.u32(n + 1);
  if (!(array instanceof CgroupArrayMap)) return -ERRNO.EINVAL;
  if (index >= array.maxEntries) return -ERRNO.E2BIG;
  const top = kernel.cgroups.objects.at(array.slotAddr(index));
  if (top === undefined) return -ERRNO.EAGAIN;
  return group.ancestor(top.level) === top ? 1 : 0;
}

export const CGROUP: HelperBodies = {
  bpf_current_task_under_cgroup: (call) =>
    call.args.retInt(underSlot(call, 0, call.kernel.cgroups.of(call.kernel.tasks.current))),
  bpf_get_retval: (call) => call.args.retInt(call.kernel.memory.readS32(retval(call))),
  bpf_set_retval: (call) => {
    const { args, kernel } = call;
    const value = args.lo(0);
    // nothing but an error number, or 0
    if (value > 0 || value < -MAX_ERRNO) {
      args.retInt(-ERRNO.EINVAL);
      return;
    }
    kernel.memory.writeU32(retval(call), value);
    args.retInt(0);
  },
  bpf_get_current_cgroup_id: ({ args, kernel }) => args.retU32(kernel.cgroups.of(kernel.tasks.current).id),
  bpf_get_current_ancestor_cgroup_id: ({ args, kernel }) =>
    args.retU32(kernel.cgroups.of(kernel.tasks.current).ancestor(args.lo(0))?.id ?? 0),
  bpf_sk_cgroup_id: ({ args, kernel }) => args.retU32(kernel.cgroups.ofSock(args.addr(0)).id),
  bpf_sk_ancestor_cgroup_id: ({ args, kernel }) =>
    args.retU32(kernel.cgroups.ofSock(args.addr(0)).ancestor(args.lo(1))?.id ?? 0),
};
