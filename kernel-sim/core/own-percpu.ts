/** The model's own per-CPU variables, behind Linux's (`__per_cpu_end` of 6.12 is 0x36000), and constants that text needs. */
import { syscalls } from '../data/syscalls.ts';

export const OWN_PERCPU = {
  /** what the recording says that the running system call returns */
  result: 0x36f00,
  /** whether it waits on its way */
  block: 0x36f08,
  /** the user's stack pointer during entry */
  scratch_sp: 0x36f10,
  current_kprobe: 0x36f18,
  /** not a variable: numbers from here on are no system call */
  nr_syscalls: (syscalls.at(-1)?.nr ?? 0) + 1,
} as const;
