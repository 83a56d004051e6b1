/** Calls that name a path of the model's. */
import { posix } from 'node:path';
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import type { FdObject } from '../../../kernel-sim/core/fds.ts';
import * as layouts from '../../../kernel-sim/syscall/user-layouts.ts';
import { AT_FDCWD, O } from '../../uapi/fcntl.ts';
import { amongHeaders, headersFor } from '../headers.ts';
import { mountList } from '../mounts.ts';
import { AT_EMPTY_PATH, SYS } from '../numbers.ts';
import type { Outcome } from '../outcome.ts';
import { type Call, cString, cStringAt, type Handler } from './call.ts';
import { place } from './place.ts';

const AT_REMOVEDIR = 0x200;
const AT_SYMLINK_NOFOLLOW = 0x100;
const CHUNK = 1 << 20;
/** include/linux/exportfs.h */
const FILEID_KERNFS = 0xfe;
const HEADERS = /^\/lib\/modules\/[^/]+\/(source|build)\/?$/;

/** Absolute, and the caller's own /proc/self; undefined where it names what the model does not have. */
function pathOf(call: Call, directory?: number): string | undefined {
  const { process, door, path } = call;
  let whole = path;
  if (!path.startsWith('/')) {
    const at = directory === undefined ? AT_FDCWD : call.int(directory);
    const base = door.directories.get(process.fds.find(at) as object);
    if (base === undefined) return undefined;
    whole = `${base}/${path}`;
  }
  const clean = posix.normalize(whole).replace(/^\/proc\/self\b/, `/proc/${process.pid}`);
  if (clean === `/proc/${process.pid}/ns/net`) return '/proc/self/ns/net';
  // of a descriptor that is the model's, what the model knows
  const info = /^\/proc\/(\d+)\/fdinfo\/(\d+)$/.exec(clean);
  if (info && Number(info[1]) === process.pid && process.fds.find(Number(info[2])) !== undefined)
    return `/proc/self/fdinfo/${info[2]}`;
  return clean.length > 1 ? clean.replace(/\/$/, '') : clean;
}

const onPath =
  (directory: number | undefined, of: (call: Call, path: string) => Outcome | Promise<Outcome>): Handler =>
  (call) => {
    const path = pathOf(call, directory);
    if (path === undefined) return 'host';
    return call.door.model.files.has(path) ? of(call, path) : 'host';
  };

/** The path is looked up among the host's headers of another release, where it has none of the model's. */
function elsewhere(call: Call, pathArg: number, path: string): Outcome | undefined {
  const { door } = call;
  const there = amongHeaders(path, door.model.release);
  if (there === undefined) return undefined;
  const [, , , has] = there.split('/');
  door.notice(
    `headers of ${has} stand for those of ${door.model.release}, whose structures may be others; ` +
      `the kernel's own: apt install linux-headers-${door.model.release}`,
  );
  return call.with({ [pathArg]: { data: 0 } }, cString(there));
}
const orHeaders =
  (pathArg: number, of: Handler): Handler =>
  (call) =>
    (call.path.startsWith('/lib/modules/') ? elsewhere(call, pathArg, call.path) : undefined) ?? of(call);

function readWhole(object: FdObject): Uint8Array | number {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = object.read?.(CHUNK) ?? -ERRNO.EINVAL;
    if (typeof part === 'number') return part;
    if (part.length === 0) return Buffer.concat(parts);
    parts.push(part);
  }
}

/** What is mounted is told of host and model together. */
const orMounts =
  (pathArg: number, of: Handler): Handler =>
  (call) => {
    const { process, door } = call;
    const list = mountList(call.path, process.pid, door.model.files);
    if (list === undefined) return of(call);
    return call.with({ [pathArg]: { data: 0 } }, cString(door.dir.snapshot(call.path, new TextEncoder().encode(list))));
  };

/** A file that is only read is given as it is now; what is written to, listed or waited for stays the model's. */
async function open(
  call: Call,
  path: string,
  flags: number,
  mode: number,
  pathArg: number,
  flagsArg: number,
): Promise<Outcome> {
  const { door, process } = call;
  const { files } = door.model;
  const object = files.open(path, flags, mode, process);
  if (typeof object === 'number') return object;
  const real = (at: string): Outcome =>
    call.with({ [pathArg]: { data: 0 }, [flagsArg]: flags & (O.CLOEXEC | O.NONBLOCK) }, cString(at));
  const isRead = (flags & O.ACCMODE) === O.RDONLY;
  if (isRead && object.onWake && !object.mmap) return real(await door.stream(path, object));
  if (isRead && object.readdir === undefined && object.read !== undefined) {
    const bytes = readWhole(object);
    object.release?.();
    return typeof bytes === 'number' ? bytes : real(door.dir.snapshot(path, bytes));
  }
  if (object.readdir) door.directories.set(object, path);
  const access = flags & O.ACCMODE;
  const fd = process.fds.install(object, { read: access !== O.WRONLY, write: access !== O.RDONLY });
  return place(call, fd, object, (flags & O.CLOEXEC) !== 0);
}

const statInto = (call: Call, path: string, at: number, flags = 0, as = layouts.stat): Outcome => {
  const told = call.door.model.files.stat(path, call.process, (flags & AT_SYMLINK_NOFOLLOW) === 0);
  return typeof told === 'number' ? told : call.write(call.at(at), as(told));
};

/** fstat as the C library makes it: no path, a descriptor of the model's. */
const statDescriptor = (call: Call, at: number, as = layouts.stat): Outcome => {
  const told = call.object(0)?.stat?.();
  return told ? call.write(call.at(at), as(told)) : 'host';
};

const readlink = (call: Call, path: string, at: number, size: number): Outcome => {
  const target = call.door.model.files.readlink(path, call.process);
  if (typeof target === 'number') return target;
  const bytes = new TextEncoder().encode(target).subarray(0, call.at(size));
  return call.write(call.at(at), bytes) || bytes.length;
};

const access = (call: Call, path: string, mode: number): Outcome =>
  call.door.model.files.access(path, call.int(mode), call.process);

const mkdir = (call: Call, path: string, mode: number): Outcome =>
  call.door.model.files.mkdir(path, call.int(mode), call.process);

/** The first argument is what the link says. */
const symlink = (call: Call, path: string): Outcome => {
  const target = cStringAt(call, call.at(0));
  return target === undefined ? -ERRNO.EFAULT : call.door.model.files.symlink(target, path, call.process);
};

/** `struct file_handle` as kernfs makes one: eight bytes, the inode's number, which is a cgroup's id. */
function handleOf(call: Call, path: string): Outcome {
  const told = call.door.model.files.stat(path, call.process);
  if (typeof told === 'number') return told;
  const header = call.process.memory.read(call.at(2), 4);
  if (!header) return -ERRNO.EFAULT;
  const room = new DataView(header.buffer, header.byteOffset).getUint32(0, true);
  const out = new DataView(new ArrayBuffer(16));
  out.setUint32(0, 8, true);
  out.setUint32(4, FILEID_KERNFS, true);
  out.setBigUint64(8, BigInt(told.ino), true);
  const bytes = new Uint8Array(out.buffer);
  if (room < 8) return call.write(call.at(2), bytes.subarray(0, 4)) || -ERRNO.EOVERFLOW;
  return call.write(call.at(2), bytes) || call.write(call.at(3), new Uint8Array(4));
}

export const PATHS = {
  open: orMounts(
    0,
    orHeaders(
      0,
      onPath(undefined, (call, path) => open(call, path, call.int(1), call.int(2), 0, 1)),
    ),
  ),
  openat: orMounts(
    1,
    orHeaders(
      1,
      onPath(0, (call, path) => open(call, path, call.int(2), call.int(3), 1, 2)),
    ),
  ),
  // struct open_how begins with the flags and the mode
  openat2: onPath(0, (call, path) => {
    const how = call.process.memory.read(call.at(2), 16);
    if (!how) return -ERRNO.EFAULT;
    const view = new DataView(how.buffer, how.byteOffset);
    const flags = view.getUint32(0, true);
    const plain = new (call.constructor as typeof Call)(call.door, call.process, {
      tid: call.tid,
      tgid: call.process.pid,
      nr: SYS.openat,
      args: [call.args[0]!, call.args[1]!, BigInt(flags), 0n, 0n, 0n],
      path: call.path,
    });
    return open(plain, path, flags, view.getUint32(8, true), 1, 2);
  }),
  stat: orHeaders(
    0,
    onPath(undefined, (call, path) => statInto(call, path, 1)),
  ),
  lstat: orHeaders(
    0,
    onPath(undefined, (call, path) => statInto(call, path, 1, AT_SYMLINK_NOFOLLOW)),
  ),
  newfstatat: orHeaders(1, (call) =>
    call.path === '' && call.int(3) & AT_EMPTY_PATH
      ? statDescriptor(call, 2)
      : onPath(0, (c, path) => statInto(c, path, 2, c.int(3)))(call),
  ),
  statx: orHeaders(1, (call) =>
    call.path === '' && call.int(2) & AT_EMPTY_PATH
      ? statDescriptor(call, 4, layouts.statx)
      : onPath(0, (c, path) => statInto(c, path, 4, c.int(2), layouts.statx))(call),
  ),
  access: orHeaders(
    0,
    onPath(undefined, (call, path) => access(call, path, 1)),
  ),
  faccessat: orHeaders(
    1,
    onPath(0, (call, path) => access(call, path, 2)),
  ),
  faccessat2: orHeaders(
    1,
    onPath(0, (call, path) => access(call, path, 2)),
  ),
  readlink: orHeaders(
    0,
    onPath(undefined, (call, path) => readlink(call, path, 1, 2)),
  ),
  readlinkat: orHeaders(
    1,
    onPath(0, (call, path) => readlink(call, path, 2, 3)),
  ),
  statfs: onPath(undefined, (call, path) => {
    const magic = call.door.model.files.statfs(path);
    return magic < 0 ? magic : call.write(call.at(1), layouts.statfs(magic));
  }),
  chdir: (call) => {
    if (!HEADERS.test(call.path)) return elsewhere(call, 0, call.path) ?? 'host';
    const other = elsewhere(call, 0, call.path);
    const at = amongHeaders(call.path, call.door.model.release) ?? call.path;
    const folder = headersFor(call.process.pid, at, call.door.dir);
    if (folder === undefined && other !== undefined) return other;
    return folder === undefined ? 'host' : call.with({ 0: { data: 0 } }, cString(folder));
  },
  mkdir: onPath(undefined, (call, path) => mkdir(call, path, 1)),
  mkdirat: onPath(0, (call, path) => mkdir(call, path, 2)),
  rmdir: onPath(undefined, (call, path) => call.door.model.files.rmdir(path, call.process)),
  unlink: onPath(undefined, (call, path) => call.door.model.files.unlink(path, call.process)),
  unlinkat: onPath(0, (call, path) => {
    const { files } = call.door.model;
    return call.int(2) & AT_REMOVEDIR ? files.rmdir(path, call.process) : files.unlink(path, call.process);
  }),
  symlink: onPath(undefined, (call, path) => symlink(call, path)),
  symlinkat: onPath(1, (call, path) => symlink(call, path)),
  name_to_handle_at: onPath(0, handleOf),
  getxattr: onPath(undefined, () => -ERRNO.EOPNOTSUPP),
  lgetxattr: onPath(undefined, () => -ERRNO.EOPNOTSUPP),
  llistxattr: onPath(undefined, () => 0),
  rename: onPath(undefined, () => -ERRNO.EPERM),
  // the model's file systems are mounted already
  mount: onPath(undefined, () => 0),
} satisfies Record<string, Handler>;
