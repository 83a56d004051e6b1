/** Files: include/uapi/asm-generic/fcntl.h and include/uapi/linux/{fcntl,limits}.h of Linux 6.12. */

/** What open(2) is asked for. */
export const O = {
  ...{ RDONLY: 0o0, WRONLY: 0o1, RDWR: 0o2, ACCMODE: 0o3, CREAT: 0o100, EXCL: 0o200, TRUNC: 0o1000, APPEND: 0o2000 },
  ...{ NONBLOCK: 0o4000, LARGEFILE: 0o100_000, DIRECTORY: 0o200_000, NOFOLLOW: 0o400_000, CLOEXEC: 0o2_000_000 },
  PATH: 0o10_000_000,
} as const;
/** Commands of fcntl(2). */
export const F = { DUPFD: 0, GETFD: 1, SETFD: 2, GETFL: 3, SETFL: 4, DUPFD_CLOEXEC: 1030 } as const;
/** In place of a descriptor: the working directory. */
export const AT_FDCWD = -100;
/** Bytes of a path with its end. */
export const PATH_MAX = 4096;
