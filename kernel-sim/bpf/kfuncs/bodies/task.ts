/** Tasks and cgroups as objects with references: bpf_task_acquire, bpf_cgroup_from_id and their kin (Linux 6.12 Documentation/bpf/kfuncs.rst). */
import type { HelperBodies, HelperBody } from '../../helpers/bodies/call.ts';

/** What it is given, as long as there is something. */
const same: HelperBody = ({ args }) => args.retAddr(args.addr(0));
const none: HelperBody = ({ args }) => args.ret(0, 0);

export const TASKS_AND_CGROUPS: HelperBodies = {
  bpf_task_acquire: same,
  bpf_task_release: none,
  bpf_task_from_pid: ({ args, kernel }) => args.retAddr(kernel.tasks.find(args.lo(0))?.address ?? 0),
  bpf_task_under_cgroup: ({ args, kernel }) => {
    const task = kernel.tasks.at(args.addr(0));
    const group = kernel.cgroups.objects.at(args.addr(1));
    const own = task && kernel.cgroups.of(task);
    args.retU32(group !== undefined && own?.ancestor(group.level) === group ? 1 : 0);
  },
  /** no hierarchy of the first version is mounted */
  bpf_task_get_cgroup1: none,

  bpf_cgroup_acquire: same,
  bpf_cgroup_release: none,
  bpf_cgroup_from_id: ({ args, kernel }) => {
    const id = Number(args.big(0));
    for (const group of kernel.cgroups.all())
      if (group.id === id) return args.retAddr(kernel.cgroups.objects.address(group));
    args.ret(0, 0);
  },
  bpf_cgroup_ancestor: ({ args, kernel }) => {
    const { objects } = kernel.cgroups;
    const level = args.lo(1);
    const ancestor = level < 0 ? undefined : objects.at(args.addr(0))?.ancestor(level);
    args.retAddr(ancestor === undefined ? 0 : objects.address(ancestor));
  },
  cgroup_rstat_updated: none,
  cgroup_rstat_flush: none,
};
