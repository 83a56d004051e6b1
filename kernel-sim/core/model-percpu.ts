/** The model's own per-CPU variables, behind Linux's (`__per_cpu_end` of 6.12 is 0x36000), and constants that text needs. */
import { syscalls } from '../data/syscalls.ts';

export const MODEL_PERCPU = {
  /** what the recording says that the running system call returns */
  result: 0x36f00,
  /** the state in which it waits on its way; 0: it does not */
  block: 0x36f08,
  /** the user's stack pointer during entry */
  scratch_sp: 0x36f10,
  current_kprobe: 0x36f18,
  /** free objects of filp and of names_cache, the one used last first */
  filp_free: 0x36f20,
  names_free: 0x36f28,
  /** files that the way to user space closes, in order */
  fput_head: 0x36f30,
  fput_tail: 0x36f38,
  /** dentry and mount of the path that was copied last; 0: the path is to be looked up */
  open_dentry: 0x36f40,
  open_mnt: 0x36f48,
  /** when what an interrupt does is done, and when its handler or a softirq ends, ns, as the recording tells; 0: it does not */
  done_at: 0x36f50,
  ends_at: 0x36f58,
  /** not a variable: numbers from here on are no system call */
  nr_syscalls: (syscalls.at(-1)?.nr ?? 0) + 1,
} as const;

/**
 * Room for per-CPU variables of Linux's that kernel text needs, where the active kernel's symbols have none of that
 * name: older ones keep `pcpu_hot`'s fields in variables of their own.
 */
export const STAND_IN_PERCPU: Readonly<Record<string, number>> = {
  pcpu_hot: 0x36f80,
  this_cpu_off: 0x36fc0,
  bpf_prog_active: 0x36fc8,
  numa_node: 0x36fd0,
};
