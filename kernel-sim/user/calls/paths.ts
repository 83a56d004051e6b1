/** open(2), stat(2), mkdir(2) and what else names a path: of the kernel's own files, or of the root. */
import { encodeUtf8 } from '../../../src/platform/index.ts';
import { AT_FDCWD, O } from '../../../src/uapi/fcntl.ts';
import { ERRNO, KernelError } from '../../core/errno.ts';
import type { FdObject } from '../../core/fds.ts';
import type { DirEntry, FileStat } from '../../core/file-ops.ts';
import * as layouts from '../../syscall/user-layouts.ts';
import { normalPath } from '../root.ts';
import { RootFile, statOfNode, Terminal } from '../user-files.ts';
import type { CallHandler, ProgramCall } from './call.ts';

const AT_EMPTY_PATH = 0x1000;
const AT_REMOVEDIR = 0x200;
const EXT4_SUPER_MAGIC = 0xef53;
const DT = { directory: 4, file: 8 } as const;
const DEVICES: readonly string[] = ['/dev/tty', '/dev/stdin', '/dev/stdout'];

const fail = (errno: KernelError['errno'], why: string): never => {
  throw new KernelError(errno, why);
};

/** A path relative to a descriptor of a directory, or to the working directory. */
export function resolve({ program, task }: ProgramCall, dirfd: number, path: string): string {
  if (path === '') fail('ENOENT', 'an empty path');
  const from = dirfd === AT_FDCWD || path.startsWith('/') ? program.cwd : program.files.get(dirfd).fdName;
  const whole = normalPath(path, from);
  // descriptors are told of whoever looks
  return /^\/proc\/self\/(?!fdinfo\b)/.test(whole) ? whole.replace('self', String(task.tgid)) : whole;
}
const parent = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));
const isOwn = ({ kernel }: ProgramCall, path: string): boolean => kernel.vfs.has(path, true);

function open(call: ProgramCall, dirfd: number, given: string, flags: number, mode: number): number {
  const { program, kernel } = call;
  const path = resolve(call, dirfd, given);
  if (DEVICES.includes(path)) return program.files.install(new Terminal(program.streams, 1, flags), flags);
  if (!isOwn(call, path)) return program.files.install(openRoot(call, path, flags, mode), flags);
  const opened = kernel.vfs.open(path, flags, mode, call.process);
  return typeof opened === 'number' ? opened : program.files.install(opened, flags);
}
function openRoot({ kernel: { root }, program }: ProgramCall, path: string, flags: number, mode: number): FdObject {
  let node = root.find(path);
  if (node !== undefined && flags & O.CREAT && flags & O.EXCL) fail('EEXIST', path);
  if (node === undefined) {
    if (!(flags & O.CREAT)) fail('ENOENT', `${path}: no such file`);
    if (root.find(parent(path))?.kind !== 'directory') fail('ENOENT', `${parent(path)}: no such directory`);
    node = root.add(path, new Uint8Array(0), mode & ~program.umask & 0o777);
  }
  if (flags & O.DIRECTORY && node.kind !== 'directory') fail('ENOTDIR', path);
  if (node.kind === 'directory' && flags & O.ACCMODE) fail('EISDIR', path);
  if (flags & O.TRUNC && flags & O.ACCMODE) node.bytes = new Uint8Array(0);
  return new RootFile(path, node, flags, () => {
    const dots = ['.', '..'].map((name): DirEntry => ({ name, ino: 1, type: DT.directory }));
    return dots.concat(
      root.names(path).map((name) => {
        const there = root.find(`${path}/${name}`);
        return { name, ino: there?.ino ?? 1, type: DT[there?.kind ?? 'file'] };
      }),
    );
  });
}

function write(call: ProgramCall, at: number, told: FileStat): number {
  const seconds = Number(call.kernel.clock.realtime() / 1_000_000_000n);
  call.write(at, layouts.stat({ ...told, seconds }));
  return 0;
}
/** stat(2) of what has no name: an anonymous inode. */
const ANONYMOUS: FileStat = { mode: 0o600, ino: 62, size: 0, nlink: 1, uid: 0, gid: 0, blksize: 4096 };

const statPath = (call: ProgramCall, dirfd: number, given: string, at: number): number => {
  const path = resolve(call, dirfd, given);
  if (!isOwn(call, path))
    return write(call, at, statOfNode(call.kernel.root.find(path) ?? fail('ENOENT', `${path}: no such file`)));
  const told = call.kernel.vfs.stat(path, call.process);
  return typeof told === 'number' ? told : write(call, at, told);
};
const statFd = (call: ProgramCall, fd: number, at: number): number =>
  write(call, at, call.program.files.get(fd).stat?.() ?? ANONYMOUS);

const access = (call: ProgramCall, dirfd: number, given: string, mode: number): number => {
  const path = resolve(call, dirfd, given);
  if (isOwn(call, path)) return call.kernel.vfs.access(path, mode, call.process);
  return call.kernel.root.find(path) === undefined ? -ERRNO.ENOENT : 0;
};
const readlink = (call: ProgramCall, dirfd: number, given: string, at: number, room: number): number => {
  const path = resolve(call, dirfd, given);
  const { vfs, root } = call.kernel;
  const isExe = path === `/proc/${call.task.tgid}/exe`;
  const target = isExe ? call.program.path : isOwn(call, path) ? vfs.readlink(path, call.process) : undefined;
  if (target === undefined) return root.find(path) === undefined ? -ERRNO.ENOENT : -ERRNO.EINVAL;
  if (typeof target === 'number') return target;
  const bytes = encodeUtf8(target).subarray(0, room);
  call.write(at, bytes);
  return bytes.length;
};
const unlink = (call: ProgramCall, dirfd: number, given: string, flags = 0): number => {
  const path = resolve(call, dirfd, given);
  const { vfs, root } = call.kernel;
  if (isOwn(call, path)) return flags & AT_REMOVEDIR ? vfs.rmdir(path, call.process) : vfs.unlink(path, call.process);
  const node = root.find(path);
  if (node === undefined) return -ERRNO.ENOENT;
  if (flags & AT_REMOVEDIR && node.kind !== 'directory') return -ERRNO.ENOTDIR;
  if (!(flags & AT_REMOVEDIR) && node.kind === 'directory') return -ERRNO.EISDIR;
  if (node.kind === 'directory' && root.names(path).length > 0) return -ERRNO.ENOTEMPTY;
  root.remove(path);
  return 0;
};
const mkdir = (call: ProgramCall, dirfd: number, given: string, mode: number): number => {
  const path = resolve(call, dirfd, given);
  const { vfs, root } = call.kernel;
  if (isOwn(call, path)) return vfs.mkdir(path, mode, call.process);
  if (root.find(path) !== undefined) return -ERRNO.EEXIST;
  root.mkdir(path, mode & ~call.program.umask & 0o777);
  return 0;
};
const rename = (call: ProgramCall, from: string, to: string): number => {
  if (isOwn(call, from) || isOwn(call, to)) return -ERRNO.EPERM;
  const node = call.kernel.root.find(from) ?? fail('ENOENT', from);
  call.kernel.root.remove(from);
  call.kernel.root.add(to, node.bytes, node.mode);
  return 0;
};
const statfs = (call: ProgramCall, path: string, at: number): number => {
  const { vfs, root } = call.kernel;
  const own = isOwn(call, path);
  if (!own && root.find(path) === undefined) return -ERRNO.ENOENT;
  const magic = own ? vfs.statfs(path) : EXT4_SUPER_MAGIC;
  if (magic < 0) return magic;
  call.write(at, layouts.statfs(magic));
  return 0;
};

export const PATH_CALLS: Readonly<Record<string, CallHandler>> = {
  open: (c) => open(c, AT_FDCWD, c.string(0), c.int(1), c.int(2)),
  creat: (c) => open(c, AT_FDCWD, c.string(0), O.CREAT | O.WRONLY | O.TRUNC, c.int(1)),
  openat: (c) => open(c, c.int(0), c.string(1), c.int(2), c.int(3)),
  stat: (c) => statPath(c, AT_FDCWD, c.string(0), c.long(1)),
  lstat: (c) => statPath(c, AT_FDCWD, c.string(0), c.long(1)),
  fstat: (c) => statFd(c, c.int(0), c.long(1)),
  newfstatat: (c) =>
    c.int(3) & AT_EMPTY_PATH && c.string(1) === ''
      ? statFd(c, c.int(0), c.long(2))
      : statPath(c, c.int(0), c.string(1), c.long(2)),
  statfs: (c) => statfs(c, resolve(c, AT_FDCWD, c.string(0)), c.long(1)),
  fstatfs: (c) => statfs(c, c.program.files.get(c.int(0)).fdName, c.long(1)),
  access: (c) => access(c, AT_FDCWD, c.string(0), c.int(1)),
  faccessat: (c) => access(c, c.int(0), c.string(1), c.int(2)),
  faccessat2: (c) => access(c, c.int(0), c.string(1), c.int(2)),
  readlink: (c) => readlink(c, AT_FDCWD, c.string(0), c.long(1), c.long(2)),
  readlinkat: (c) => readlink(c, c.int(0), c.string(1), c.long(2), c.long(3)),
  chdir: (c) => {
    const path = resolve(c, AT_FDCWD, c.string(0));
    if (!isOwn(c, path) && c.kernel.root.find(path)?.kind !== 'directory') fail('ENOENT', path);
    c.program.cwd = path;
    return 0;
  },
  unlink: (c) => unlink(c, AT_FDCWD, c.string(0)),
  unlinkat: (c) => unlink(c, c.int(0), c.string(1), c.int(2)),
  rmdir: (c) => unlink(c, AT_FDCWD, c.string(0), AT_REMOVEDIR),
  mkdir: (c) => mkdir(c, AT_FDCWD, c.string(0), c.int(1)),
  mkdirat: (c) => mkdir(c, c.int(0), c.string(1), c.int(2)),
  rename: (c) => rename(c, resolve(c, AT_FDCWD, c.string(0)), resolve(c, AT_FDCWD, c.string(1))),
  renameat: (c) => rename(c, resolve(c, c.int(0), c.string(1)), resolve(c, c.int(2), c.string(3))),
};
