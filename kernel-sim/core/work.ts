/** Bits of `thread_info.syscall_work` (include/linux/thread_info.h) and `thread_info.flags` (arch/x86/include/asm/thread_info.h). */

/** SYSCALL_WORK_ENTER: what system calls look at on their way in */
export const WORK_ENTER = 0x3f;
/** the model's own: the task executes a program, whose calls have no recorded results */
export const WORK_EXECUTES = 0x80;
/** TIF_UPROBE: on its way to user space the task looks at a breakpoint */
export const TIF_UPROBE = 1 << 12;
