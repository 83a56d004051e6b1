/**
 * Open-coded iterators: bpf_iter_num_new and its kin (Linux 6.12 Documentation/bpf/kfuncs.rst, bpf_iterators.rst). Their state is in the
 * program's own stack, as words that only these functions read.
 */
import type { Addr } from '../../../../src/machine/addr.ts';
import { BPF_MAX_LOOPS } from '../../../../src/uapi/index.ts';
import type { Cgroup } from '../../../cgroup/cgroup.ts';
import { ERRNO } from '../../../core/errno.ts';
import { CGROUP_ORDER, ordered } from '../../../iter/cgroups.ts';
import type { Task } from '../../../task/task.ts';
import { isKernel } from '../../helpers/bodies/access.ts';
import type { HelperBodies, HelperBody, HelperCall } from '../../helpers/bodies/call.ts';

const clear =
  (words: number): HelperBody =>
  ({ args, kernel }) => {
    for (let n = 0; n < words; n++) kernel.memory.writeAddr(args.addr(0) + 8 * n, 0);
    args.ret(0, 0);
  };

/** struct bpf_iter_num: the number before the next one, and the end */
const NUM: HelperBodies = {
  bpf_iter_num_new: ({ args, kernel }) => {
    const at = args.addr(0);
    const [start, end] = [args.lo(1), args.lo(2)];
    const bad = start > end ? -ERRNO.EINVAL : end - start > BPF_MAX_LOOPS ? -ERRNO.E2BIG : 0;
    kernel.memory.writeU32(at, bad === 0 ? start - 1 : 0);
    kernel.memory.writeU32(at + 4, bad === 0 ? end : 0);
    args.retInt(bad);
  },
  bpf_iter_num_next: ({ args, kernel }) => {
    const at = args.addr(0);
    const { memory } = kernel;
    const [now, end] = [memory.readS32(at), memory.readS32(at + 4)];
    if (now + 1 >= end) {
      memory.writeU32(at, 0);
      memory.writeU32(at + 4, 0);
      args.retAddr(0);
      return;
    }
    memory.writeU32(at, now + 1);
    args.retAddr(at);
  },
  bpf_iter_num_destroy: clear(1),
};

/** struct bpf_iter_bits: the words, or where their copy is; how many bits; the last one found */
const WORD_BITS = 64;
const MAX_WORDS = 511;
const BITS: HelperBodies = {
  bpf_iter_bits_new: ({ args, kernel }) => {
    const { memory, slab } = kernel;
    const [at, from, words] = [args.addr(0), args.addr(1), args.u32(2)];
    memory.writeAddr(at, 0);
    memory.writeU32(at + 8, 0);
    memory.writeU32(at + 12, -1);
    if (from === 0 || words === 0) return args.retInt(-ERRNO.EINVAL);
    if (words > MAX_WORDS) return args.retInt(-ERRNO.E2BIG);
    if (!isKernel(from)) return args.retInt(-ERRNO.EFAULT);
    const bits = memory.readBytes(from, 8 * words);
    memory.writeU32(at + 8, words * WORD_BITS);
    if (words === 1) memory.writeBytes(at, bits);
    else {
      const copy = slab.kmalloc(8 * words);
      memory.writeBytes(copy, bits);
      memory.writeAddr(at, copy);
    }
    args.retInt(0);
  },
  /** The number of the next bit that is set lies in the iterator itself. */
  bpf_iter_bits_next: ({ args, kernel }) => {
    const { memory } = kernel;
    const at = args.addr(0);
    const count = memory.readU32(at + 8);
    if (count === 0) return args.ret(0, 0);
    const words = count === WORD_BITS ? at : memory.readAddr(at);
    let bit = memory.readS32(at + 12) + 1;
    while (bit < count && (memory.readU8(words + (bit >> 3)) & (1 << (bit & 7))) === 0) bit++;
    if (bit >= count) {
      // nothing more comes of it; the copy is freed when it is destroyed
      memory.writeU32(at + 12, count - 1);
      return args.ret(0, 0);
    }
    memory.writeU32(at + 12, bit);
    args.retAddr(at + 12);
  },
  bpf_iter_bits_destroy: ({ args, kernel }) => {
    const at = args.addr(0);
    const { memory, slab } = kernel;
    if (memory.readU32(at + 8) > WORD_BITS) slab.kfree(memory.readAddr(at));
    args.ret(0, 0);
  },
};

/** BPF_TASK_ITER_ALL_PROCS, _ALL_THREADS, _PROC_THREADS */
const TASKS = { ALL_PROCS: 0, ALL_THREADS: 1, PROC_THREADS: 2 } as const;
/** struct bpf_iter_task: the task given last, the one that it began with, flags */
function nextTask({ kernel }: HelperCall, after: Task | undefined, of: Task | undefined, flags: number): Addr {
  const isMeant = (task: Task): boolean =>
    flags === TASKS.ALL_PROCS ? task.pid === task.tgid : flags === TASKS.ALL_THREADS || task.tgid === of?.tgid;
  // in the order of the list of tasks: processes as they began, threads behind their leader
  const key = (task: Task): number => task.tgid * 0x400000 + task.pid;
  let next: Task | undefined;
  for (const task of kernel.tasks.all()) {
    if (task.pid === 0 || !isMeant(task) || (after !== undefined && key(task) <= key(after))) continue;
    if (next === undefined || key(task) < key(next)) next = task;
  }
  return next?.address ?? 0;
}
const TASK: HelperBodies = {
  bpf_iter_task_new: ({ args, kernel }) => {
    const { memory } = kernel;
    const [at, task, flags] = [args.addr(0), args.addr(1), args.u32(2)];
    memory.writeAddr(at, 0);
    memory.writeAddr(at + 8, 0);
    const isBad = flags > TASKS.PROC_THREADS || (flags === TASKS.PROC_THREADS && task === 0);
    if (isBad) return args.retInt(-ERRNO.EINVAL);
    memory.writeAddr(at + 8, task === 0 ? 1 : task);
    memory.writeU32(at + 16, flags);
    args.retInt(0);
  },
  bpf_iter_task_next: (call) => {
    const { args, kernel } = call;
    const { memory, tasks } = kernel;
    const at = args.addr(0);
    const start = memory.readAddr(at + 8);
    if (start === 0) return args.ret(0, 0);
    const next = nextTask(call, tasks.at(memory.readAddr(at)), tasks.at(start), memory.readU32(at + 16));
    memory.writeAddr(at, next);
    if (next === 0) memory.writeAddr(at + 8, 0);
    args.retAddr(next);
  },
  bpf_iter_task_destroy: clear(2),
};

/** struct bpf_iter_task_vma: where its state is: the task, and the address behind the area given last */
const TASK_VMA: HelperBodies = {
  bpf_iter_task_vma_new: ({ args, kernel }) => {
    const { memory, slab, tasks } = kernel;
    const [at, task, from] = [args.addr(0), args.addr(1), args.addr(2)];
    const has = tasks.at(task)?.maps !== undefined;
    const state = has ? slab.kmalloc(16) : 0;
    if (state !== 0) {
      memory.writeAddr(state, task);
      memory.writeAddr(state + 8, from);
    }
    memory.writeAddr(at, state);
    args.retInt(has ? 0 : -ERRNO.ENOENT);
  },
  bpf_iter_task_vma_next: ({ args, kernel }) => {
    const { memory, tasks, programs } = kernel;
    const state = memory.readAddr(args.addr(0));
    const task = state === 0 ? undefined : tasks.at(memory.readAddr(state));
    const from = state === 0 ? 0 : memory.readAddr(state + 8);
    const area = task?.maps?.areas.find(({ end }) => end > from);
    if (task === undefined || area === undefined) return args.ret(0, 0);
    memory.writeAddr(state + 8, area.end);
    args.retAddr(programs.areaObject(task, area));
  },
  bpf_iter_task_vma_destroy: ({ args, kernel }) => {
    const state = kernel.memory.readAddr(args.addr(0));
    if (state !== 0) kernel.slab.kfree(state);
    args.ret(0, 0);
  },
};

/** Cgroups by their `struct cgroup_subsys_state`, which is the first thing in `struct cgroup`. */
function groupOf({ kernel }: HelperCall, css: Addr): Cgroup | undefined {
  return kernel.cgroups.objects.at(css - kernel.structs.of('cgroup').offset('self'));
}
const cssOf = ({ kernel }: HelperCall, group: Cgroup): Addr =>
  kernel.cgroups.objects.address(group) + kernel.structs.of('cgroup').offset('self');
/** struct bpf_iter_css: where it began, the one given last, flags */
const CSS: HelperBodies = {
  bpf_iter_css_new: (call) => {
    const { args, kernel } = call;
    const { memory } = kernel;
    const [at, start, flags] = [args.addr(0), args.addr(1), args.u32(2)];
    const isKnown = flags >= CGROUP_ORDER.DESCENDANTS_PRE && flags <= CGROUP_ORDER.ANCESTORS_UP;
    memory.writeAddr(at, isKnown ? start : 0);
    memory.writeAddr(at + 8, 0);
    memory.writeU32(at + 16, flags);
    args.retInt(isKnown ? 0 : -ERRNO.EINVAL);
  },
  bpf_iter_css_next: (call) => {
    const { args, kernel } = call;
    const { memory } = kernel;
    const at = args.addr(0);
    const from = groupOf(call, memory.readAddr(at));
    if (from === undefined) return args.ret(0, 0);
    const all = ordered([...kernel.cgroups.all()], from, memory.readU32(at + 16));
    const last = groupOf(call, memory.readAddr(at + 8));
    const next = last === undefined ? all[0] : all[all.indexOf(last) + 1];
    if (next === undefined) {
      memory.writeAddr(at, 0);
      return args.ret(0, 0);
    }
    memory.writeAddr(at + 8, cssOf(call, next));
    args.retAddr(cssOf(call, next));
  },
  bpf_iter_css_destroy: clear(2),
};
/** CSS_TASK_ITER_PROCS */
const PROCS_ONLY = 1;
/** struct bpf_iter_css_task: one word; here the cgroup, and the task given last in the upper ids */
const CSS_TASK: HelperBodies = {
  bpf_iter_css_task_new: (call) => {
    const { args, kernel } = call;
    const { memory, slab } = kernel;
    const [at, css, flags] = [args.addr(0), args.addr(1), args.u32(2)];
    const isKnown = (flags & ~3) === 0;
    if (!isKnown) {
      memory.writeAddr(at, 0);
      return args.retInt(-ERRNO.EINVAL);
    }
    const state = slab.kmalloc(24);
    memory.writeAddr(state, css);
    memory.writeU32(state + 8, flags);
    memory.writeU32(state + 12, 0);
    memory.writeAddr(at, state);
    args.retInt(0);
  },
  bpf_iter_css_task_next: (call) => {
    const { args, kernel } = call;
    const { memory } = kernel;
    const state = memory.readAddr(args.addr(0));
    if (state === 0) return args.ret(0, 0);
    const group = groupOf(call, memory.readAddr(state));
    const [flags, last] = [memory.readU32(state + 8), memory.readU32(state + 12)];
    let next: Task | undefined;
    for (const task of kernel.tasks.all()) {
      const isIn = task.pid > last && kernel.cgroups.of(task) === group;
      if (!isIn || (flags & PROCS_ONLY && task.pid !== task.tgid)) continue;
      if (next === undefined || task.pid < next.pid) next = task;
    }
    if (next !== undefined) memory.writeU32(state + 12, next.pid);
    args.retAddr(next?.address ?? 0);
  },
  bpf_iter_css_task_destroy: ({ args, kernel }) => {
    const state = kernel.memory.readAddr(args.addr(0));
    if (state !== 0) kernel.slab.kfree(state);
    args.ret(0, 0);
  },
};

export const ITERATORS: HelperBodies = { ...NUM, ...BITS, ...TASK, ...TASK_VMA, ...CSS, ...CSS_TASK };
