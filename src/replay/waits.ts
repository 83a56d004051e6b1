/**
 * Calls that may wait long, and need their result only when they have: such a call is replayed from its first line on,
 * without what its second one tells. Any other is held back until that has been read.
 */
const WAIT = `
  read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2
  poll ppoll select pselect6 epoll_wait epoll_pwait epoll_pwait2
  accept accept4 connect recvfrom recvmsg sendto sendmsg
  wait4 waitid futex nanosleep clock_nanosleep
`;

/** They return only when a signal has interrupted them: their result is known. */
const INTERRUPTED = 'pause rt_sigsuspend';

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

export const WAITS: ReadonlySet<string> = new Set(words(WAIT));
export const ENDED_BY_SIGNAL: ReadonlySet<string> = new Set(words(INTERRUPTED));
/** -ERESTARTNOHAND (include/linux/errno.h) */
export const RESTART_NO_HANDLER = -514;
