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

export const SOCKETS = {
  ...NETLINK,
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
