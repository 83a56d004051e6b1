/** Processes and their memory: include/uapi/asm-generic/{signal,mman-common}.h and include/uapi/linux/{sched,mman}.h of Linux 6.12. */

export const SIG = { INT: 2, TRAP: 5, SEGV: 11, CHLD: 17 } as const;
/** A flag of clone(2). */
export const CLONE_THREAD = 0x10000;
/** the child shares the caller's memory */
export const CLONE_VM = 0x100;
/** Protection and flags of mmap(2). */
export const PROT = { READ: 1, WRITE: 2, EXEC: 4 } as const;
export const MAP = { SHARED: 1, PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20, FIXED_NOREPLACE: 0x10_0000 } as const;
