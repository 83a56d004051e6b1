/**
 * Files of the kernel's own: proc, sysfs, tracefs, bpffs and what lies under /boot, made when they are opened. A path
 * that no file system of the model has is the host's business.
 */
import type { FdObject } from '../core/fds.ts';
import type { DirEntry, FileStat } from '../core/file-ops.ts';
import type { Process } from '../core/process.ts';

/** Paths are absolute and without `.` or `..`. Negative numbers are -errno; nothing throws. */
export interface KernelFiles {
  /** Whether a path is answered from here, be it that there is no such file; `own`: to a process of the model's. */
  has(path: string, own?: boolean): boolean;
  /** open(2): the file, not yet a descriptor; `flags` of include/uapi/asm-generic/fcntl.h */
  open(path: string, flags: number, mode: number, process: Process): FdObject | number;
  /** stat(2), and lstat(2) where `follow` is false */
  stat(path: string, process: Process, follow?: boolean): FileStat | number;
  /** access(2) and faccessat2(2): 0 or -errno; `mode`: 4 read, 2 write, 1 execute */
  access(path: string, mode: number, process: Process): number;
  readdir(path: string, process: Process): readonly DirEntry[] | number;
  readlink(path: string, process: Process): string | number;
  mkdir(path: string, mode: number, process: Process): number;
  rmdir(path: string, process: Process): number;
  unlink(path: string, process: Process): number;
  /** symlink(2): the new name is `path` */
  symlink(target: string, path: string, process: Process): number;
  /** lines of /proc/mounts for what is mounted here: a file system at each place */
  mounted(): readonly { readonly path: string; readonly type: string }[];
  /** f_type of statfs(2): the magic number of the file system (include/uapi/linux/magic.h) */
  statfs(path: string): number;
}

/** What a path leads to. */
export type Node = FileNode | DirectoryNode | LinkNode;

export interface FileNode {
  readonly kind: 'file';
  /** permissions */
  readonly mode: number;
  /** what stat(2) says; 0 for text that is made when it is read, as in proc and tracefs */
  readonly size?: number | (() => number);
  /** A file that is open; `flags` of open(2). */
  open(flags: number, process: Process): FdObject | number;
}

export interface DirectoryNode {
  readonly kind: 'directory';
  readonly mode: number;
  names(process: Process): Iterable<string>;
  child(name: string, process: Process): Node | undefined;
  /** what its descriptors stand for */
  readonly of?: object;
  /** its inode's number; one by its path where it is left out */
  readonly ino?: number;
  mkdir?(name: string): number;
  rmdir?(name: string): number;
  unlink?(name: string): number;
  symlink?(name: string, target: string): number;
}

export interface LinkNode {
  readonly kind: 'link';
  readonly target: string;
}

/** A file system, or a part of one: what is at a path and, where that is a directory, below it. */
export interface Mount {
  readonly path: string;
  readonly node: Node;
  readonly magic: number;
  /** of the model's own processes: to those of the host, whose pids are others, it is not there */
  readonly own?: true;
}
