/**
 * Sockets of NETLINK_ROUTE: what is asked about devices and their programs the model answers, all else the host's kernel,
 * whose socket lies at the same number. While an answer of the model's waits, so does one of the host's to NLMSG_NOOP, which
 * poll(2) and epoll(7) see.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import { NetlinkFile } from '../netlink.ts';
import { SYS } from '../numbers.ts';
import type { Outcome } from '../outcome.ts';
import type { Step } from '../wire.ts';
import type { Call, Handler } from './call.ts';

const AF_NETLINK = 16;
const NETLINK_ROUTE = 0;
const SOCK_CLOEXEC = 0o2000000;
export const SOL_NETLINK = 270;
const [NETLINK_CAP_ACK, NETLINK_EXT_ACK] = [10, 11];
const MSG = { PEEK: 2, TRUNC: 0x20, DONTWAIT: 0x40 } as const;
/** NLMSG_NOOP with NLM_F_REQUEST | NLM_F_ACK */
const NOOP = Uint8Array.of(16, 0, 0, 0, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0);
/** more than any request that is asked here */
const MOST = 1 << 20;

/** Where `struct msghdr` has what. */
const MSGHDR = { bytes: 56, name: 0, namelen: 8, iov: 16, iovlen: 24, controllen: 40, flags: 48 } as const;

export async function socket(call: Call): Promise<Outcome> {
  if (call.int(0) !== AF_NETLINK || call.int(2) !== NETLINK_ROUTE) return 'host';
  const { process, door } = call;
  const file = new NetlinkFile(door.model.route());
  const fd = process.fds.install(file);
  const isCloexec = (call.int(1) & SOCK_CLOEXEC) !== 0;
  const results = await door.supervisor.script(call.tid, {
    steps: [
      { nr: SYS.socket, args: call.args },
      { nr: SYS.dup3, args: [{ step: 0 }, fd, isCloexec ? SOCK_CLOEXEC : 0] },
      { nr: SYS.close, args: [{ step: 0 }] },
    ],
    result: 1,
    hold: true,
  });
  if (results.length < 3) {
    process.fds.close(fd);
    return Number(results.at(-1) ?? -BigInt(ERRNO.EIO));
  }
  process.placed.add(fd);
  return fd;
}

/** The number that the host gave a socket (nl_pid), by its inode; a process's own id where it has none yet. */
function portOf(call: Call): number {
  const { pid } = call.process;
  try {
    const inode = /\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/fd/${call.int(0)}`))?.[1];
    for (const line of readFileSync(`/proc/${pid}/net/netlink`, 'latin1').split('\n')) {
      const columns = line.trim().split(/\s+/);
      if (columns[9] === inode) return Number(columns[2]);
    }
  } catch {
    // it has ended
  }
  return pid;
}

const fileOf = (call: Call): NetlinkFile | undefined => {
  const object = call.object(0);
  return object instanceof NetlinkFile ? object : undefined;
};

async function alone(call: Call, step: Step, data?: Uint8Array): Promise<void> {
  await call.door.supervisor.script(call.tid, { steps: [step], result: 0, hold: true, ...(data ? { data } : {}) });
}

async function send(call: Call, file: NetlinkFile, bytes: Uint8Array | undefined): Promise<Outcome> {
  if (!bytes) return -ERRNO.EFAULT;
  const before = file.socket.waiting;
  const { door } = call;
  door.mirrors.pull();
  if (!file.socket.send(bytes, portOf(call), call.process)) return 'host';
  door.explain();
  if (before === 0 && file.socket.waiting > 0)
    await alone(call, { nr: SYS.sendto, args: [call.int(0), { data: 0 }, NOOP.length, 0, 0, 0] }, NOOP);
  return bytes.length;
}

/** A datagram into the caller's buffers; undefined where the host's kernel is the one to ask. */
async function receive(
  call: Call,
  file: NetlinkFile,
  buffers: readonly (readonly [at: number, size: number])[],
  flags: number,
): Promise<{ readonly result: number; readonly isCut: boolean } | undefined> {
  const isPeek = (flags & MSG.PEEK) !== 0;
  const datagram = file.socket.receive(isPeek);
  if (datagram === undefined) return undefined;
  if (!isPeek && file.socket.waiting === 0)
    await alone(call, { nr: SYS.recvfrom, args: [call.int(0), 0, 0, MSG.DONTWAIT | MSG.TRUNC, 0, 0] });
  let done = 0;
  for (const [at, size] of buffers) {
    const part = datagram.subarray(done, done + size);
    if (!call.process.memory.write(at, part)) return { result: -ERRNO.EFAULT, isCut: false };
    done += part.length;
  }
  return { result: flags & MSG.TRUNC ? datagram.length : done, isCut: done < datagram.length };
}

/** `struct sockaddr_nl` of the kernel: port 0 */
const KERNEL = Uint8Array.of(AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

interface Header {
  readonly view: DataView;
  readonly buffers: readonly (readonly [number, number])[];
}
function headerOf(call: Call): Header | undefined {
  const { memory } = call.process;
  const bytes = memory.read(call.at(1), MSGHDR.bytes);
  if (!bytes) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const count = Number(view.getBigUint64(MSGHDR.iovlen, true));
  const iov = count > 1024 ? undefined : memory.read(Number(view.getBigUint64(MSGHDR.iov, true)), 16 * count);
  if (!iov) return undefined;
  const words = new DataView(iov.buffer, iov.byteOffset);
  const word = (at: number): number => Number(words.getBigUint64(at, true));
  return { view, buffers: Array.from({ length: count }, (_, n) => [word(16 * n), word(16 * n + 8)] as const) };
}

function gather(call: Call, buffers: Header['buffers']): Uint8Array | undefined {
  const parts = buffers.map(([at, size]) => call.process.memory.read(at, Math.min(size, MOST)));
  return parts.includes(undefined) ? undefined : Buffer.concat(parts as Uint8Array[]);
}

/** `of` where the socket is one of these; others of such numbers are the host's. */
const onRoute =
  (of: (call: Call, file: NetlinkFile) => Outcome | Promise<Outcome>): Handler =>
  (call) => {
    const file = fileOf(call);
    return file ? of(call, file) : 'host';
  };

export const NETLINK = {
  sendto: onRoute((call, file) => send(call, file, gather(call, [[call.at(1), call.at(2)]]))),
  sendmsg: onRoute((call, file) => {
    const header = headerOf(call);
    return header ? send(call, file, gather(call, header.buffers)) : -ERRNO.EFAULT;
  }),
  recvfrom: onRoute(async (call, file) => {
    const got = await receive(call, file, [[call.at(1), call.at(2)]], call.int(3));
    if (got === undefined) return 'host';
    if (call.at(4) !== 0) {
      call.write(call.at(4), KERNEL);
      call.write(call.at(5), Uint8Array.of(KERNEL.length, 0, 0, 0));
    }
    return got.result;
  }),
  recvmsg: onRoute(async (call, file) => {
    const header = headerOf(call);
    if (!header) return -ERRNO.EFAULT;
    const got = await receive(call, file, header.buffers, call.int(2));
    if (got === undefined) return 'host';
    const { view } = header;
    const name = Number(view.getBigUint64(MSGHDR.name, true));
    if (name !== 0) {
      call.write(name, KERNEL.subarray(0, view.getUint32(MSGHDR.namelen, true)));
      view.setUint32(MSGHDR.namelen, KERNEL.length, true);
    }
    view.setBigUint64(MSGHDR.controllen, 0n, true);
    view.setUint32(MSGHDR.flags, got.isCut ? MSG.TRUNC : 0, true);
    call.write(call.at(1), new Uint8Array(view.buffer, view.byteOffset, MSGHDR.bytes));
    return got.result;
  }),
} satisfies Record<string, Handler>;

/** setsockopt(2) at SOL_NETLINK, which the host's socket takes too. */
export function setOption(call: Call): Outcome {
  const file = fileOf(call);
  const value = file && call.process.memory.read(call.at(3), 4);
  if (!file || !value) return 'host';
  const isOn = value.some((byte) => byte !== 0);
  if (call.int(2) === NETLINK_EXT_ACK) file.socket.extendedAck = isOn;
  if (call.int(2) === NETLINK_CAP_ACK) file.socket.cappedAck = isOn;
  return 'host';
}
