/** open(2), read(2), write(2), lseek(2) and their kin, on the files of the root. */
import { concatBytes, encodeUtf8 } from '../../../src/platform/index.ts';
import { KernelError } from '../../core/errno.ts';
import { O, type OpenFile } from '../open-files.ts';
import { normalPath, type RootNode } from '../root.ts';
import type { CallHandler, ProgramCall } from './call.ts';

const AT_FDCWD = -100;
/** MAX_RW_COUNT */
const MOST_BYTES = 0x7fff_f000;
const S = { IFREG: 0o100000, IFDIR: 0o040000, IFCHR: 0o020000, IFIFO: 0o010000 } as const;
const TCGETS = 0x5401;
const TIOCGWINSZ = 0x5413;
const FIONREAD = 0x541b;
const F = { DUPFD: 0, GETFD: 1, SETFD: 2, GETFL: 3, SETFL: 4, DUPFD_CLOEXEC: 1030 } as const;
const AT_EMPTY_PATH = 0x1000;

const fail = (errno: KernelError['errno'], why: string): never => {
  throw new KernelError(errno, why);
};

/** A path relative to a descriptor of a directory, or to the working directory. */
export function resolve({ program }: ProgramCall, dirfd: number, path: string): string {
  if (path === '') fail('ENOENT', 'an empty path');
  const from = dirfd === AT_FDCWD || path.startsWith('/') ? program.cwd : program.files.get(dirfd).path;
  return normalPath(path, from);
}

function open(call: ProgramCall, dirfd: number, given: string, flags: number, mode: number): number {
  const { kernel, program } = call;
  const path = resolve(call, dirfd, given);
  let node = kernel.root.find(path);
  if (path === '/dev/tty' || path === '/dev/stdin' || path === '/dev/stdout')
    return program.files.install({ path, node: undefined, flags, position: 0 });
  if (node !== undefined && flags & O.CREAT && flags & O.EXCL) fail('EEXIST', path);
  if (node === undefined) {
    if (!(flags & O.CREAT)) fail('ENOENT', `${path}: no such file`);
    if (kernel.root.find(parent(path))?.kind !== 'directory') fail('ENOENT', `${parent(path)}: no such directory`);
    node = kernel.root.add(path, new Uint8Array(0), mode & ~program.umask & 0o777);
  }
  if (flags & O.DIRECTORY && node.kind !== 'directory') fail('ENOTDIR', path);
  if (node.kind === 'directory' && flags & O.ACCMODE) fail('EISDIR', path);
  if (flags & O.TRUNC && flags & O.ACCMODE) node.bytes = new Uint8Array(0);
  return program.files.install({ path, node, flags, position: 0 });
}
const parent = (path: string): string => path.slice(0, Math.max(1, path.lastIndexOf('/')));

/** What a read at a position gives. */
function readAt(call: ProgramCall, file: OpenFile, position: number, wanted: number): Uint8Array {
  if ((file.flags & O.ACCMODE) === O.WRONLY) fail('EBADF', 'it is open for writing only');
  if (file.pipe !== undefined) {
    const given = file.pipe.bytes.slice(0, wanted);
    file.pipe.bytes = file.pipe.bytes.slice(given.length);
    return given;
  }
  if (file.node === undefined) return call.program.streams.read(Math.min(wanted, MOST_BYTES));
  if (file.node.kind === 'directory') fail('EISDIR', file.path);
  return file.node.bytes.subarray(position, position + wanted);
}
function writeAt(call: ProgramCall, fd: number, file: OpenFile, position: number, bytes: Uint8Array): number {
  if ((file.flags & O.ACCMODE) === 0) fail('EBADF', 'it is open for reading only');
  if (file.pipe !== undefined) file.pipe.bytes = concatBytes([file.pipe.bytes, bytes]);
  else if (file.node === undefined) call.program.streams.write(fd === 2 ? 2 : 1, bytes);
  else {
    const at = file.flags & O.APPEND ? file.node.bytes.length : position;
    const grown = new Uint8Array(Math.max(file.node.bytes.length, at + bytes.length));
    grown.set(file.node.bytes);
    grown.set(bytes, at);
    file.node.bytes = grown;
    return at + bytes.length;
  }
  return position;
}

const read: CallHandler = (call) => {
  const file = call.program.files.get(call.int(0));
  const count = Math.min(call.long(2) < 0 ? fail('EINVAL', 'count') : call.long(2), MOST_BYTES);
  const bytes = readAt(call, file, file.position, count);
  call.probe(call.long(1), bytes.length);
  file.position += bytes.length;
  // the file's bytes come into memory where the kernel copies them
  call.filled.set(1, { kind: 'bytes', bytes: bytes.slice() });
  return bytes.length;
};
const write: CallHandler = (call) => {
  const fd = call.int(0);
  const file = call.program.files.get(fd);
  const bytes = call.read(call.long(1), Math.min(call.long(2), MOST_BYTES));
  file.position = writeAt(call, fd, file, file.position, bytes);
  return bytes.length;
};
/** Buffers of an iovec. */
function vector(call: ProgramCall): { at: number; bytes: number }[] {
  const count = call.int(2);
  if (count < 0 || count > 1024) fail('EINVAL', `${count} buffers`);
  const raw = call.read(call.long(1), 16 * count);
  const view = new DataView(raw.buffer, raw.byteOffset);
  return Array.from({ length: count }, (_, n) => ({
    at: Number(view.getBigInt64(16 * n, true)),
    bytes: Number(view.getBigInt64(16 * n + 8, true)),
  }));
}
const writev: CallHandler = (call) => {
  const fd = call.int(0);
  const file = call.program.files.get(fd);
  const bytes = concatBytes(vector(call).map(({ at, bytes: n }) => call.read(at, n)));
  file.position = writeAt(call, fd, file, file.position, bytes);
  return bytes.length;
};
const readv: CallHandler = (call) => {
  const file = call.program.files.get(call.int(0));
  let done = 0;
  for (const { at, bytes: n } of vector(call)) {
    const bytes = readAt(call, file, file.position, n);
    call.write(at, bytes);
    file.position += bytes.length;
    done += bytes.length;
    if (bytes.length < n) break;
  }
  return done;
};
const pread: CallHandler = (call) => {
  const bytes = readAt(call, call.program.files.get(call.int(0)), call.long(3), call.long(2));
  call.probe(call.long(1), bytes.length);
  call.filled.set(1, { kind: 'bytes', bytes: bytes.slice() });
  return bytes.length;
};
const pwrite: CallHandler = (call) => {
  const bytes = call.read(call.long(1), call.long(2));
  writeAt(call, call.int(0), call.program.files.get(call.int(0)), call.long(3), bytes);
  return bytes.length;
};
const lseek: CallHandler = (call) => {
  const file = call.program.files.get(call.int(0));
  if (file.node === undefined) fail('ESPIPE', 'a terminal or pipe has no position');
  const from = [0, file.position, file.node?.bytes.length ?? 0][call.int(2)];
  const to = (from ?? fail('EINVAL', 'whence')) + call.long(1);
  if (to < 0) fail('EINVAL', 'before the beginning');
  file.position = to;
  return to;
};

/** struct stat (stat(2), x86-64): 144 bytes. */
function stat(call: ProgramCall, at: number, node: RootNode | undefined, isPipe = false): number {
  const { bytes, view } = call.view(144);
  const u64 = (o: number, value: number): void => view.setBigUint64(o, BigInt(value), true);
  const size = node?.bytes.length ?? 0;
  const kind = node === undefined ? (isPipe ? S.IFIFO : S.IFCHR) : node.kind === 'directory' ? S.IFDIR : S.IFREG;
  u64(0, node === undefined ? 24 : 0x801);
  u64(8, node?.ino ?? 3);
  u64(16, node?.kind === 'directory' ? 2 : 1);
  view.setUint32(24, kind | (node?.mode ?? 0o620), true);
  u64(40, node === undefined && !isPipe ? 0x8800 : 0);
  u64(48, size);
  u64(56, node === undefined ? 1024 : 4096);
  u64(64, Math.ceil(size / 4096) * 8);
  for (const o of [72, 88, 104]) u64(o, Number(call.kernel.clock.realtime() / 1_000_000_000n));
  call.write(at, bytes);
  return 0;
}
const statPath = (call: ProgramCall, dirfd: number, path: string, at: number): number => {
  const full = resolve(call, dirfd, path);
  return stat(call, at, call.kernel.root.find(full) ?? fail('ENOENT', `${full}: no such file`));
};
const statFd = (call: ProgramCall, fd: number, at: number): number => {
  const { node, pipe } = call.program.files.get(fd);
  return stat(call, at, node, pipe !== undefined);
};
const access = (call: ProgramCall, dirfd: number, path: string): number => {
  const full = resolve(call, dirfd, path);
  if (call.kernel.root.find(full) === undefined) fail('ENOENT', `${full}: no such file`);
  return 0;
};

const ioctl: CallHandler = (call) => {
  const { node, pipe } = call.program.files.get(call.int(0));
  if (node !== undefined || pipe !== undefined) fail('ENOTTY', 'not a terminal');
  switch (call.u32(1)) {
    case TCGETS:
      // struct termios of the kernel: a terminal that echoes
      call.write(call.long(2), new Uint8Array(new Uint32Array([0x4500, 5, 0xbf, 0x8a3b, 0, 0, 0, 0, 0]).buffer));
      return 0;
    case TIOCGWINSZ:
      call.write(call.long(2), new Uint8Array(new Uint16Array([24, 80, 0, 0]).buffer));
      return 0;
    case FIONREAD:
      call.write(call.long(2), new Uint8Array(4));
      return 0;
    default:
      return fail('ENOTTY', `ioctl 0x${call.u32(1).toString(16)}`);
  }
};
const fcntl: CallHandler = (call) => {
  const { files } = call.program;
  const fd = call.int(0);
  const file = files.get(fd);
  switch (call.int(1)) {
    case F.DUPFD:
    case F.DUPFD_CLOEXEC: {
      const made = files.install(file, call.int(2));
      files.setCloseOnExec(made, call.int(1) === F.DUPFD_CLOEXEC);
      return made;
    }
    case F.GETFD:
      return files.closesOnExec(fd) ? 1 : 0;
    case F.SETFD:
      files.setCloseOnExec(fd, (call.int(2) & 1) !== 0);
      return 0;
    case F.GETFL:
      return file.flags & ~O.CLOEXEC;
    case F.SETFL:
      file.flags = (file.flags & (O.ACCMODE | O.CLOEXEC)) | (call.int(2) & ~O.ACCMODE);
      return 0;
    default:
      return fail('EINVAL', `fcntl ${call.int(1)}`);
  }
};
const dup3 = (call: ProgramCall, flags: number): number => {
  const { files } = call.program;
  const [from, to] = [call.int(0), call.int(1)];
  const file = files.get(from);
  if (from !== to) files.put(to, file);
  files.setCloseOnExec(to, (flags & O.CLOEXEC) !== 0);
  return to;
};
const pipe = (call: ProgramCall, flags: number): number => {
  const shared = { bytes: new Uint8Array(0) };
  const { files } = call.program;
  const end = (mode: number) =>
    files.install({ path: 'pipe:[1]', node: undefined, flags: mode | flags, position: 0, pipe: shared });
  call.write(call.long(0), new Uint8Array(new Int32Array([end(0), end(O.WRONLY)]).buffer));
  return 0;
};
const readlink = (call: ProgramCall, path: string, at: number, room: number): number => {
  if (path !== '/proc/self/exe') {
    if (call.kernel.root.find(normalPath(path, call.program.cwd)) === undefined) fail('ENOENT', path);
    fail('EINVAL', `${path} is no link`);
  }
  const bytes = encodeUtf8(call.program.path).subarray(0, room);
  call.write(at, bytes);
  return bytes.length;
};
const unlink = (call: ProgramCall, dirfd: number, path: string): number => {
  const full = resolve(call, dirfd, path);
  if (call.kernel.root.find(full) === undefined) fail('ENOENT', full);
  call.kernel.root.remove(full);
  return 0;
};
const mkdir = (call: ProgramCall, dirfd: number, path: string, mode: number): number => {
  const full = resolve(call, dirfd, path);
  if (call.kernel.root.find(full) !== undefined) fail('EEXIST', full);
  call.kernel.root.mkdir(full, mode & ~call.program.umask & 0o777);
  return 0;
};
const rename = (call: ProgramCall, from: string, to: string): number => {
  const node = call.kernel.root.find(from) ?? fail('ENOENT', from);
  call.kernel.root.remove(from);
  call.kernel.root.add(to, node.bytes, node.mode);
  return 0;
};

export const FILE_CALLS: Readonly<Record<string, CallHandler>> = {
  open: (c) => open(c, AT_FDCWD, c.string(0), c.int(1), c.int(2)),
  creat: (c) => open(c, AT_FDCWD, c.string(0), O.CREAT | O.WRONLY | O.TRUNC, c.int(1)),
  openat: (c) => open(c, c.int(0), c.string(1), c.int(2), c.int(3)),
  close: (c) => {
    c.program.files.close(c.int(0));
    return 0;
  },
  read,
  write,
  readv,
  writev,
  pread64: pread,
  pwrite64: pwrite,
  lseek,
  stat: (c) => statPath(c, AT_FDCWD, c.string(0), c.long(1)),
  lstat: (c) => statPath(c, AT_FDCWD, c.string(0), c.long(1)),
  fstat: (c) => statFd(c, c.int(0), c.long(1)),
  newfstatat: (c) =>
    c.int(3) & AT_EMPTY_PATH && c.string(1) === ''
      ? statFd(c, c.int(0), c.long(2))
      : statPath(c, c.int(0), c.string(1), c.long(2)),
  access: (c) => access(c, AT_FDCWD, c.string(0)),
  faccessat: (c) => access(c, c.int(0), c.string(1)),
  faccessat2: (c) => access(c, c.int(0), c.string(1)),
  ioctl,
  fcntl,
  dup: (c) => c.program.files.install(c.program.files.get(c.int(0))),
  dup2: (c) => dup3(c, 0),
  dup3: (c) => (c.int(0) === c.int(1) ? fail('EINVAL', 'the same descriptor') : dup3(c, c.int(2))),
  pipe: (c) => pipe(c, 0),
  pipe2: (c) => pipe(c, c.int(1)),
  readlink: (c) => readlink(c, c.string(0), c.long(1), c.long(2)),
  readlinkat: (c) => readlink(c, c.string(1), c.long(2), c.long(3)),
  getcwd: (c) => {
    const bytes = encodeUtf8(`${c.program.cwd}\0`);
    if (bytes.length > c.long(1)) fail('ERANGE', 'the buffer is too small');
    c.write(c.long(0), bytes);
    return bytes.length;
  },
  chdir: (c) => {
    const path = resolve(c, AT_FDCWD, c.string(0));
    if (c.kernel.root.find(path)?.kind !== 'directory') fail('ENOENT', path);
    c.program.cwd = path;
    return 0;
  },
  unlink: (c) => unlink(c, AT_FDCWD, c.string(0)),
  unlinkat: (c) => unlink(c, c.int(0), c.string(1)),
  mkdir: (c) => mkdir(c, AT_FDCWD, c.string(0), c.int(1)),
  mkdirat: (c) => mkdir(c, c.int(0), c.string(1), c.int(2)),
  rename: (c) => rename(c, resolve(c, AT_FDCWD, c.string(0)), resolve(c, AT_FDCWD, c.string(1))),
  renameat: (c) => rename(c, resolve(c, c.int(0), c.string(1)), resolve(c, c.int(2), c.string(3))),
  ftruncate: (c) => {
    const { node } = c.program.files.get(c.int(0));
    if (node === undefined) return fail('EINVAL', 'it has no length');
    const bytes = new Uint8Array(c.long(1));
    bytes.set(node.bytes.subarray(0, bytes.length));
    node.bytes = bytes;
    return 0;
  },
  fsync: () => 0,
  fadvise64: () => 0,
  fdatasync: () => 0,
  umask: (c) => {
    const before = c.program.umask;
    c.program.umask = c.int(0) & 0o777;
    return before;
  },
};
