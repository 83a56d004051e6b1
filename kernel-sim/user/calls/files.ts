/** read(2), write(2), lseek(2), fcntl(2), ioctl(2) and their kin, on whatever a descriptor refers to. */
import { concatBytes, encodeUtf8 } from '../../../src/platform/index.ts';
import { F, O } from '../../../src/uapi/fcntl.ts';
import { ERRNO, KernelError } from '../../core/errno.ts';
import { dirents } from '../../syscall/user-layouts.ts';
import { isUserFile, PipeEnd, RootFile } from '../user-files.ts';
import type { CallHandler, ProgramCall } from './call.ts';

/** MAX_RW_COUNT */
const MOST_BYTES = 0x7fff_f000;

const fail = (errno: KernelError['errno'], why: string): never => {
  throw new KernelError(errno, why);
};

/** What a read gives; where it reads at a position of its own, `at` says which. */
function readFrom(call: ProgramCall, fd: number, bytes: number, at?: number): Uint8Array | number {
  const object = call.program.files.readable(fd);
  return object.read?.(Math.min(bytes, MOST_BYTES), at) ?? -ERRNO.EINVAL;
}
const writeTo = (call: ProgramCall, fd: number, bytes: Uint8Array, at?: number): number =>
  call.program.files.writable(fd).write?.(bytes, at) ?? -ERRNO.EINVAL;

/** The bytes come into memory where the kernel copies them. */
function fill(call: ProgramCall, given: Uint8Array | number): number {
  if (typeof given === 'number') return given;
  call.probe(call.long(1), given.length);
  call.filled.set(1, { kind: 'bytes', bytes: given });
  return given.length;
}
const count = (call: ProgramCall): number => (call.long(2) < 0 ? fail('EINVAL', 'count') : call.long(2));

/** Buffers of an iovec. */
function vector(call: ProgramCall): { at: number; bytes: number }[] {
  const buffers = call.int(2);
  if (buffers < 0 || buffers > 1024) fail('EINVAL', `${buffers} buffers`);
  const raw = call.read(call.long(1), 16 * buffers);
  const view = new DataView(raw.buffer, raw.byteOffset);
  return Array.from({ length: buffers }, (_, n) => ({
    at: Number(view.getBigInt64(16 * n, true)),
    bytes: Number(view.getBigInt64(16 * n + 8, true)),
  }));
}
const readv: CallHandler = (call) => {
  let done = 0;
  for (const { at, bytes: n } of vector(call)) {
    const bytes = readFrom(call, call.int(0), n);
    if (typeof bytes === 'number') return done > 0 ? done : bytes;
    call.write(at, bytes);
    done += bytes.length;
    if (bytes.length < n) break;
  }
  return done;
};
const lseek: CallHandler = (call) => {
  const object = call.program.files.get(call.int(0));
  return object.seek?.(call.long(1), call.int(2)) ?? -ERRNO.ESPIPE;
};
const fcntl: CallHandler = (call) => {
  const { files } = call.program;
  const fd = call.int(0);
  const object = files.get(fd);
  switch (call.int(1)) {
    case F.DUPFD:
    case F.DUPFD_CLOEXEC:
      return files.install(object, files.flags(fd) | (call.int(1) === F.DUPFD_CLOEXEC ? O.CLOEXEC : 0), call.int(2));
    case F.GETFD:
      return files.closesOnExec(fd) ? 1 : 0;
    case F.SETFD:
      files.setCloseOnExec(fd, (call.int(2) & 1) !== 0);
      return 0;
    case F.GETFL:
      return files.flags(fd);
    case F.SETFL:
      if (isUserFile(object)) object.flags = (object.flags & (O.ACCMODE | O.CLOEXEC)) | (call.int(2) & ~O.ACCMODE);
      return 0;
    default:
      return fail('EINVAL', `fcntl ${call.int(1)}`);
  }
};
const dup3 = (call: ProgramCall, flags: number): number => {
  const { files } = call.program;
  const [from, to] = [call.int(0), call.int(1)];
  if (from === to) files.get(from);
  else files.dup(from, to, (flags & O.CLOEXEC) !== 0);
  return to;
};
const pipe = (call: ProgramCall, flags: number): number => {
  const shared = { bytes: new Uint8Array(0) };
  const { files } = call.program;
  const end = (mode: number): number => files.install(new PipeEnd(shared, mode | flags), mode | flags);
  call.write(call.long(0), new Uint8Array(new Int32Array([end(0), end(O.WRONLY)]).buffer));
  return 0;
};

export const FILE_CALLS: Readonly<Record<string, CallHandler>> = {
  close: (c) => {
    c.program.files.close(c.int(0));
    return 0;
  },
  read: (c) => fill(c, readFrom(c, c.int(0), count(c))),
  write: (c) => writeTo(c, c.int(0), c.read(c.long(1), Math.min(count(c), MOST_BYTES))),
  readv,
  writev: (c) => writeTo(c, c.int(0), concatBytes(vector(c).map(({ at, bytes }) => c.read(at, bytes)))),
  pread64: (c) => fill(c, readFrom(c, c.int(0), count(c), c.long(3))),
  pwrite64: (c) => writeTo(c, c.int(0), c.read(c.long(1), count(c)), c.long(3)),
  lseek,
  getdents64: (c) => {
    const object = c.program.files.get(c.int(0));
    if (object.readdir === undefined) return -ERRNO.ENOTDIR;
    const bytes = dirents(object, object.readdir(), c.long(2));
    if (typeof bytes === 'number') return bytes;
    c.write(c.long(1), bytes);
    return bytes.length;
  },
  ioctl: (c) => c.program.files.get(c.int(0)).ioctl?.(c.u32(1), c.long(2), c.process) ?? -ERRNO.ENOTTY,
  fcntl,
  dup: (c) => c.program.files.install(c.program.files.get(c.int(0)), c.program.files.flags(c.int(0))),
  dup2: (c) => dup3(c, 0),
  dup3: (c) => (c.int(0) === c.int(1) ? fail('EINVAL', 'the same descriptor') : dup3(c, c.int(2))),
  pipe: (c) => pipe(c, 0),
  pipe2: (c) => pipe(c, c.int(1)),
  getcwd: (c) => {
    const bytes = encodeUtf8(`${c.program.cwd}\0`);
    if (bytes.length > c.long(1)) fail('ERANGE', 'the buffer is too small');
    c.write(c.long(0), bytes);
    return bytes.length;
  },
  ftruncate: (c) => {
    const file = c.program.files.get(c.int(0));
    if (!(file instanceof RootFile)) return fail('EINVAL', 'it has no length');
    const bytes = new Uint8Array(c.long(1));
    bytes.set(file.node.bytes.subarray(0, bytes.length));
    file.node.bytes = bytes;
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
