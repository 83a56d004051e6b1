/** Which sockets of processes are NETLINK_ROUTE's, and what the model has answered on each that was not read yet. */
import type { FdObject } from '../../kernel-sim/core/fds.ts';
import type { RouteSocket } from '../../kernel-sim/netlink/route.ts';

/** A socket of the host's at a number of the model's: what the model does not answer, the host's kernel does. */
export class NetlinkFile implements FdObject {
  readonly fdName = 'socket:[netlink]';
  readonly socket: RouteSocket;
  constructor(socket: RouteSocket) {
    this.socket = socket;
  }
}
