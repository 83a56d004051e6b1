/** Sockets: filters that are programs of the model's, sockets of rtnetlink, and devices by name and number. */
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import { SOL } from '../../uapi/socket.ts';
import { SIOCGIFINDEX, SIOCGIFNAME } from '../numbers.ts';
import type { Outcome } from '../outcome.ts';
import { type Call, cString, type Handler } from './call.ts';
import { NETLINK, SOL_NETLINK, setOption, socket } from './netlink.ts';

const IFNAMSIZ = 16;

/** SIOCGIFINDEX and SIOCGIFNAME on any socket (netdevice(7), `struct ifreq`); undefined for another request. */
export function deviceRequest(call: Call): Outcome | undefined {
  const request = call.at(1);
  if (request !== SIOCGIFINDEX && request !== SIOCGIFNAME) return undefined;
  const at = call.at(2);
  const ifreq = call.process.memory.read(at, IFNAMSIZ + 4);
  if (!ifreq) return -ERRNO.EFAULT;
  const { devices } = call.door.model;
  const view = new DataView(ifreq.buffer, ifreq.byteOffset);
  if (request === SIOCGIFNAME) {
    const device = devices.byIndex(view.getInt32(IFNAMSIZ, true));
    return device ? call.write(at, cString(device.name)) : -ERRNO.ENODEV;
  }
  const name = Buffer.from(ifreq.subarray(0, IFNAMSIZ)).toString('latin1').replace(/\0.*$/s, '');
  const device = devices.named(name);
  if (!device) return -ERRNO.ENODEV;
  view.setInt32(IFNAMSIZ, device.index, true);
  return call.write(at, ifreq);
}

const SCM_RIGHTS = 1;
/** Where `struct msghdr` has its ancillary data; `struct cmsghdr` has 16 bytes: length, level, type. */
const CONTROL = { bytes: 56, at: 32, length: 40, header: 16, most: 64 * 1024 } as const;

/** Descriptors of the model's that a message carries to whoever receives it (unix(7)). */
function notePassed({ process, door, args }: Call): void {
  const header = process.memory.read(Number(args[1]), CONTROL.bytes);
  if (!header) return;
  const words = new DataView(header.buffer, header.byteOffset);
  const length = Number(words.getBigUint64(CONTROL.length, true));
  if (length < CONTROL.header || length > CONTROL.most) return;
  const control = process.memory.read(Number(words.getBigUint64(CONTROL.at, true)), length);
  if (!control) return;
  const view = new DataView(control.buffer, control.byteOffset);
  for (let at = 0; at + CONTROL.header <= length; ) {
    const size = Number(view.getBigUint64(at, true));
    if (size < CONTROL.header || at + size > length) return;
    const isRights = view.getInt32(at + 8, true) === SOL.SOCKET && view.getInt32(at + 12, true) === SCM_RIGHTS;
    for (let n = at + CONTROL.header; isRights && n + 4 <= at + size; n += 4) {
      const fd = view.getInt32(n, true);
      const object = process.fds.find(fd);
      if (object) door.passed.note(process.pid, fd, object);
    }
    at += (size + 7) & ~7;
  }
}

export const SOCKETS = {
  ...NETLINK,
  sendmsg: (call) => {
    notePassed(call);
    return NETLINK.sendmsg(call);
  },
  // a socket of the host's carries no packet of the model's
  setsockopt: (call) => {
    if (call.int(1) === SOL_NETLINK) return setOption(call);
    if (call.int(1) !== SOL.SOCKET) return 'host';
    const value = call.process.memory.read(call.at(3), 4);
    if (!value) return -ERRNO.EFAULT;
    const fd = new DataView(value.buffer, value.byteOffset).getInt32(0, true);
    if (!call.process.fds.find(fd)) return -ERRNO.EBADF;
    call.door.missing('SO_ATTACH_BPF on a socket of the host');
    return -ERRNO.EOPNOTSUPP;
  },
  socket,
} satisfies Record<string, Handler>;
