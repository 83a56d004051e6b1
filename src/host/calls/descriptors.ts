/** Calls on descriptors of the model's. */
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import type { Mapping } from '../../../kernel-sim/core/file-ops.ts';
import { dirents, stat } from '../../../kernel-sim/syscall/user-layouts.ts';
import { AT_FDCWD, F, O } from '../../uapi/fcntl.ts';
import { PROT } from '../../uapi/process.ts';
import { SYS } from '../numbers.ts';
import type { Outcome } from '../outcome.ts';
import { type Call, cString, type Handler } from './call.ts';
import { deviceRequest } from './sockets.ts';

/** so much at a time */
const MOST = 1 << 20;

/** Bytes into a vector of the caller's buffers, or what went wrong. */
function scatter(
  call: Call,
  bytes: Uint8Array | number,
  buffers: readonly (readonly [at: number, size: number])[],
): number {
  if (typeof bytes === 'number') return bytes;
  let done = 0;
  for (const [at, size] of buffers) {
    const part = bytes.subarray(done, done + size);
    if (!call.process.memory.write(at, part)) return done || -ERRNO.EFAULT;
    done += part.length;
  }
  return done;
}

function vectors(call: Call): [number, number][] | undefined {
  const count = call.int(2);
  const bytes = count > 1024 ? undefined : call.process.memory.read(call.at(1), 16 * count);
  if (!bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return Array.from({ length: count }, (_, n) => [
    Number(view.getBigUint64(16 * n, true)),
    Number(view.getBigUint64(16 * n + 8, true)),
  ]);
}

const readInto = (call: Call, buffers: readonly (readonly [number, number])[], at?: number): number => {
  const object = call.object(0);
  if (!object?.read) return -ERRNO.EINVAL;
  const size = buffers.reduce((sum, [, n]) => sum + n, 0);
  return scatter(call, object.read(Math.min(size, MOST), at), buffers);
};

const writeFrom = (call: Call, buffers: readonly (readonly [number, number])[], at?: number): number => {
  const object = call.object(0);
  if (!object?.write) return -ERRNO.EINVAL;
  const parts: Uint8Array[] = [];
  for (const [from, size] of buffers) {
    const part = call.process.memory.read(from, Math.min(size, MOST));
    if (!part) return -ERRNO.EFAULT;
    parts.push(part);
  }
  const result = object.write(Buffer.concat(parts), at);
  call.door.explain();
  return result;
};

/** `of` where the descriptor is the model's; others of such numbers are the host's. */
const ours =
  (of: Handler): Handler =>
  (call) =>
    call.object(0) ? of(call) : 'host';

const dupTo = async (call: Call, to: number | undefined, cloexec: boolean, from = 0): Promise<Outcome> => {
  const { process, door } = call;
  const fd = call.int(0);
  const object = process.fds.find(fd);
  if (!object) return 'host';
  if (to !== undefined && to < door.processes.first) {
    // nothing but bpf(2) is asked about it
    if (object.write === undefined) {
      door.passed.note(process.pid, fd, object);
      return 'host';
    }
    // a low number, as `>file` of a shell has: the filter does not see what is done there
    return call.door.lend(object, to);
  }
  const number = to === undefined ? process.fds.install(object, process.fds.mode(fd), from) : process.fds.dup(fd, to);
  process.placed.add(number);
  return { steps: [{ nr: SYS.dup3, args: [fd, number, cloexec ? O.CLOEXEC : 0] }], result: 0 };
};

const close: Handler = ({ process, door, args }) => {
  const fd = Number(BigInt.asIntN(32, args[0] ?? 0n));
  if (process.fds.find(fd)) {
    door.mirrors.pull();
    process.close(fd);
  }
  return 'host';
};

const mmap: Handler = async (call) => {
  const { process, door } = call;
  const object = process.fds.find(call.int(4));
  if (!object) return 'host';
  const [bytes, prot, offset] = [call.at(1), call.int(2), call.at(5)];
  const mapping: Mapping | number = object.mmap?.(offset, bytes, prot) ?? -ERRNO.ENODEV;
  if (typeof mapping === 'number') return mapping;
  const mirror = await door.mirror(object);
  mirror.add(offset, mapping);
  door.ring(process, object);
  const path = cString(door.supervisor.pathOf(mirror.own));
  const args = call.args.map((arg, n) => (n === 4 ? { step: 0 } : arg));
  return {
    steps: [
      { nr: SYS.openat, args: [AT_FDCWD, { data: 0 }, (prot & PROT.WRITE ? O.RDWR : O.RDONLY) | O.CLOEXEC] },
      { nr: SYS.mmap, args },
      { nr: SYS.close, args: [{ step: 0 }] },
    ],
    result: 1,
    data: path,
  };
};

const fcntl: Handler = (call) => {
  const command = call.int(1);
  if (command === F.DUPFD || command === F.DUPFD_CLOEXEC)
    return dupTo(call, undefined, command === F.DUPFD_CLOEXEC, call.int(2));
  return 'host';
};

const closeRange: Handler = ({ process, args }) => {
  const [first, last, flags] = [Number(args[0]), Number(args[1]), Number(args[2])];
  // CLOSE_RANGE_CLOEXEC closes nothing yet: execve will tell
  if (flags & 4) return 'host';
  for (const [fd] of [...process.fds.entries()]) if (fd >= first && fd <= last) process.close(fd);
  return 'host';
};

const ioctl: Handler = ours((call) => {
  const result = call.object(0)?.ioctl?.(call.at(1), call.at(2), call.process) ?? -ERRNO.ENOTTY;
  call.door.explain();
  call.door.mirrors.push();
  return result;
});

export const DESCRIPTORS = {
  read: ours((call) => readInto(call, [[call.at(1), call.at(2)]])),
  pread64: ours((call) => readInto(call, [[call.at(1), call.at(2)]], call.at(3))),
  readv: ours((call) => {
    const buffers = vectors(call);
    return buffers ? readInto(call, buffers) : -ERRNO.EFAULT;
  }),
  write: ours((call) => writeFrom(call, [[call.at(1), call.at(2)]])),
  pwrite64: ours((call) => writeFrom(call, [[call.at(1), call.at(2)]], call.at(3))),
  writev: ours((call) => {
    const buffers = vectors(call);
    return buffers ? writeFrom(call, buffers) : -ERRNO.EFAULT;
  }),
  lseek: ours(
    (call) => call.object(0)?.seek?.(Number(BigInt.asIntN(64, call.args[1] ?? 0n)), call.int(2)) ?? -ERRNO.ESPIPE,
  ),
  ioctl: (call) => deviceRequest(call) ?? ioctl(call),
  fstat: ours((call) => {
    const told = call.object(0)?.stat?.();
    return told ? call.write(call.at(1), stat(told)) : 'host';
  }),
  ftruncate: ours(() => 0),
  sendfile: () => -ERRNO.EINVAL, // its callers read and write then
  getdents64: ours((call) => {
    const object = call.object(0);
    if (!object?.readdir) return -ERRNO.ENOTDIR;
    const bytes = dirents(object, object.readdir(), call.at(2));
    return typeof bytes === 'number' ? bytes : call.write(call.at(1), bytes) || bytes.length;
  }),
  dup: (call) => dupTo(call, undefined, false),
  dup2: (call) => dupTo(call, call.int(1), false),
  dup3: (call) => dupTo(call, call.int(1), (call.int(2) & O.CLOEXEC) !== 0),
  fcntl,
  close,
  close_range: closeRange,
  mmap,
} satisfies Record<string, Handler>;
