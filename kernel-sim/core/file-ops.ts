/**
 * What a descriptor can do, whatever it refers to: `struct file_operations` (Linux 6.12
 * Documentation/filesystems/vfs.rst). What an object lacks fails as on Linux: read and write with EINVAL, ioctl with
 * ENOTTY, mmap with ENODEV, seek with ESPIPE; without `poll` it is always ready. Negative results are error numbers;
 * nothing throws.
 */
import type { Addr } from '../../src/machine/addr.ts';
import type { UserAccess } from './user-access.ts';

/** Events of poll(2) and epoll(2). */
export const EPOLLIN = 1;
export const EPOLLOUT = 4;
export const EPOLLERR = 8;
export const EPOLLHUP = 16;
export const EPOLLRDNORM = 0x40;
export const EPOLLWRNORM = 0x100;

/**
 * Pages of guest memory behind a mapping, in order: what a process stores there the kernel sees, and the other way
 * round. A process outside of the machine is given copies that are kept the same.
 */
export interface Mapping {
  /** `phys` is an index into `kernel.memory.u8`; whole pages */
  readonly pages: readonly { readonly phys: number; readonly bytes: number }[];
  readonly writable: boolean;
  /** munmap(2), or the process ended */
  unmap(): void;
}

/** What stat(2) tells. */
export interface FileStat {
  /** file type and permissions, S_IFREG | 0444 ... */
  readonly mode: number;
  readonly ino: number;
  readonly size: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly blksize: number;
  /** dev_t of the file system, and of the device that it is */
  readonly dev?: number;
  readonly rdev?: number;
  /** when it was last changed, s since 1970 */
  readonly seconds?: number;
}

export interface DirEntry {
  readonly name: string;
  readonly ino: number;
  /** d_type of getdents64(2): 4 directory, 8 file, 10 link */
  readonly type: number;
}

/** What an operation may ask of the process that calls it; `Process` has all of it. */
export interface Caller {
  /** effective capabilities, a bit each */
  readonly caps: bigint;
  readonly memory: UserAccess;
  readonly fds: { find(fd: number): object | undefined };
}

export interface FileOps {
  /** At most `bytes` bytes, fewer at the end, none where there is no more. `at`: pread(2), else from the file's position on */
  read?(bytes: number, at?: number): Uint8Array | number;
  /** Bytes taken. */
  write?(bytes: Uint8Array, at?: number): number;
  /** lseek(2): the new position. `whence`: 0 SET, 1 CUR, 2 END */
  seek?(offset: number, whence: number): number;
  ioctl?(request: number, arg: Addr, process: Caller): number;
  /** `offset` and `bytes` in bytes, whole pages */
  mmap?(offset: number, bytes: number, prot: number): Mapping | number;
  /** What is ready now, of EPOLLIN and its kin. */
  poll?(): number;
  /** Calls back where {@link poll} may have a new answer (a wait queue); gives back what ends that. */
  onWake?(wake: () => void): () => void;
  /** Where the reader and the writer of a ring have their positions, u64 each, as offsets into what is mapped. */
  ring?(): { readonly consumer: number; readonly producer: number } | undefined;
  /** Lines of /proc/PID/fdinfo/N behind pos, flags, mnt_id and ino. */
  fdinfo?(): string;
  stat?(): FileStat;
  /** Entries of a directory, `.` and `..` among them. */
  readdir?(): readonly DirEntry[];
}
