/**
 * poll(2) and epoll(7): whether descriptors are ready, and waiting until one is. Nothing but timers and samples happens
 * while the only task waits, so time passes from one to the next. A wait without an end in which nothing does is ended
 * as by a signal: EINTR.
 */

import { O } from '../../../src/uapi/fcntl.ts';
import { ERRNO, KernelError } from '../../core/errno.ts';
import type { FdObject } from '../../core/fds.ts';
import { EPOLLIN, EPOLLOUT } from '../../core/file-ops.ts';
import { capture, reinstate } from '../../core/state.ts';
import type { CallHandler, ProgramCall } from './call.ts';

const NS_PER_MS = 1_000_000;
/** How long is waited for what no time was given, ns */
const PATIENCE = 10_000 * NS_PER_MS;
const STEP = NS_PER_MS;
const CTL = { ADD: 1, DEL: 2, MOD: 3 } as const;
/** sizeof(struct epoll_event), which is packed; of struct pollfd */
const EVENT = 12;
const POLLFD = 8;
const POLLNVAL = 0x20;
/** events that are told of whether they are asked for or not: EPOLLERR and EPOLLHUP */
const ALWAYS = 0x18;

interface Interest {
  object: FdObject;
  events: number;
  /** epoll_data_t */
  data: Uint8Array;
}
/** What a file without `poll` is: always ready. */
const ready = (object: FdObject, events: number): number => (object.poll?.() ?? EPOLLIN | EPOLLOUT) & (events | ALWAYS);

class Epoll implements FdObject {
  readonly fdName = 'anon_inode:[eventpoll]';
  /** by descriptor */
  readonly interests = new Map<number, Interest>();
  save() {
    return capture(this.interests);
  }
  restore(state: ReturnType<Epoll['save']>): void {
    reinstate(state);
  }
  ready(most: number): { events: number; data: Uint8Array }[] {
    const out: { events: number; data: Uint8Array }[] = [];
    for (const { object, events, data } of this.interests.values()) {
      if (out.length >= most) break;
      const now = ready(object, events);
      if (now !== 0) out.push({ events: now, data });
    }
    return out;
  }
  poll(): number {
    return this.ready(1).length > 0 ? EPOLLIN : 0;
  }
}

/** Asks until something is ready or the time is over; `ms` below 0 has no end. */
function wait({ kernel: { clock } }: ProgramCall, ms: number, ask: () => number): number {
  const end = clock.now + (ms < 0 ? PATIENCE : ms * NS_PER_MS);
  for (;;) {
    const found = ask();
    if (found !== 0 || ms === 0) return found;
    if (clock.now >= end) return ms < 0 ? -ERRNO.EINTR : 0;
    clock.pass(Math.min(end, clock.now + STEP));
  }
}

function epollOf(call: ProgramCall): Epoll {
  const object = call.program.files.get(call.int(0));
  if (!(object instanceof Epoll)) throw new KernelError('EINVAL', `descriptor ${call.int(0)} is no epoll instance`);
  return object;
}
const control: CallHandler = (call) => {
  const { interests } = epollOf(call);
  const [op, fd] = [call.int(1), call.int(2)];
  const object = call.program.files.get(fd);
  if (object === call.program.files.get(call.int(0))) return -ERRNO.EINVAL;
  if (object.poll === undefined) return -ERRNO.EPERM;
  if (op === CTL.DEL) return interests.delete(fd) ? 0 : -ERRNO.ENOENT;
  if (op !== CTL.ADD && op !== CTL.MOD) return -ERRNO.EINVAL;
  const raw = call.read(call.long(3), EVENT);
  if (interests.has(fd) === (op === CTL.ADD)) return op === CTL.ADD ? -ERRNO.EEXIST : -ERRNO.ENOENT;
  const events = new DataView(raw.buffer, raw.byteOffset).getUint32(0, true);
  interests.set(fd, { object, events, data: raw.slice(4) });
  return 0;
};
const epollWait: CallHandler = (call) => {
  const epoll = epollOf(call);
  const most = call.int(2);
  if (most <= 0) return -ERRNO.EINVAL;
  return wait(call, call.int(3), () => {
    const found = epoll.ready(most);
    found.forEach(({ events, data }, n) => {
      const { bytes, view } = call.view(EVENT);
      view.setUint32(0, events, true);
      bytes.set(data, 4);
      call.write(call.long(1) + EVENT * n, bytes);
    });
    return found.length;
  });
};
const create = (call: ProgramCall, flags: number): number => call.program.files.install(new Epoll(), O.RDWR | flags);

const poll = (call: ProgramCall, ms: number): number => {
  const { files } = call.program;
  const most = call.u32(1);
  if (most > 1024) return -ERRNO.EINVAL;
  const raw = call.read(call.long(0), POLLFD * most);
  const view = new DataView(raw.buffer, raw.byteOffset);
  return wait(call, ms, () => {
    let found = 0;
    for (let at = 0; at < raw.length; at += POLLFD) {
      const fd = view.getInt32(at, true);
      const object = files.fds.find(fd);
      const now = fd < 0 ? 0 : object === undefined ? POLLNVAL : ready(object, view.getUint16(at + 4, true));
      view.setUint16(at + 6, now, true);
      if (now !== 0) found++;
    }
    call.write(call.long(0), raw);
    return found;
  });
};
/** ms of a timespec; less than 0 where none was given */
function milliseconds(call: ProgramCall, at: number): number {
  if (at === 0) return -1;
  const raw = call.read(at, 16);
  const view = new DataView(raw.buffer, raw.byteOffset);
  return Number(view.getBigInt64(0, true)) * 1000 + Number(view.getBigInt64(8, true)) / NS_PER_MS;
}

export const WAITING_CALLS: Readonly<Record<string, CallHandler>> = {
  epoll_create: (c) => (c.int(0) <= 0 ? -ERRNO.EINVAL : create(c, 0)),
  epoll_create1: (c) => create(c, c.int(0) & O.CLOEXEC),
  epoll_ctl: control,
  epoll_wait: epollWait,
  epoll_pwait: epollWait,
  poll: (c) => poll(c, c.int(2)),
  ppoll: (c) => poll(c, milliseconds(c, c.long(2))),
};
