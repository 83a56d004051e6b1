/** Sockets: filters that are programs of the model's. */
import { ERRNO } from '../../../kernel-sim/core/errno.ts';
import { SOL } from '../../uapi/socket.ts';
import type { Handler } from './call.ts';

export const SOCKETS = {
  // a socket of the host's carries no packet of the model's
  setsockopt: (call) => {
    if (call.int(1) !== SOL.SOCKET) return 'host';
    const value = call.process.memory.read(call.at(3), 4);
    if (!value) return -ERRNO.EFAULT;
    const fd = new DataView(value.buffer, value.byteOffset).getInt32(0, true);
    if (!call.process.fds.find(fd)) return -ERRNO.EBADF;
    call.door.missing('SO_ATTACH_BPF on a socket of the host');
    return -ERRNO.EOPNOTSUPP;
  },
  socket: () => 'host',
} satisfies Record<string, Handler>;
