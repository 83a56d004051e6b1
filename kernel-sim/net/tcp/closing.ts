/** The end of a socket: which way it closes, who has it last, when its memory is given back (RFC 9293 section 3.6). */
import type { Addr } from '../../../src/machine/addr.ts';
import { IPPROTO, TCP } from '../../../src/uapi/socket.ts';
import type { NetParts, On } from '../parts.ts';
import type { Connections } from './connections.ts';
import type { Inboxes } from './input.ts';

const [RCV_SHUTDOWN, SEND_SHUTDOWN] = [1, 2];
const CLOSES: Readonly<Record<number, string>> = {
  [TCP.LISTEN]: 'tcp_close_listening',
  [TCP.ESTABLISHED]: 'tcp_close_established',
  [TCP.SYN_RECV]: 'tcp_close_established',
  [TCP.CLOSE_WAIT]: 'tcp_close_wait',
  [TCP.SYN_SENT]: 'tcp_close_syn_sent',
};
/** states in which a segment of the other end is waited for */
const CLOSING: readonly number[] = [TCP.FIN_WAIT1, TCP.FIN_WAIT2, TCP.LAST_ACK, TCP.CLOSING];
/** states in which an end that was never told of is told of by a reset: tcp_need_reset */
const NEEDS_RESET: readonly number[] = [TCP.ESTABLISHED, TCP.CLOSE_WAIT, TCP.FIN_WAIT1, TCP.FIN_WAIT2, TCP.SYN_RECV];

export class TcpClosing {
  readonly #net: NetParts;
  readonly #connections: Connections;
  readonly #inboxes: Inboxes;
  readonly #free: (sk: Addr) => void;
  constructor(net: NetParts, connections: Connections, inboxes: Inboxes, free: (sk: Addr) => void) {
    this.#net = net;
    this.#connections = connections;
    this.#inboxes = inboxes;
    this.#free = free;
  }

  register(on: On): void {
    const { kernel, socks, ports, skbs } = this.#net;
    const { args, memory, text, structs } = kernel;
    const give = (name: string | undefined): void => args.retAddr(name === undefined ? 0 : text.place(name));
    text.maker.mayCall([
      ...Object.values(CLOSES),
      'tcp_close_unread',
      'tcp_disconnect',
      'tcp_disconnect_reset',
      'tcp_shutdown',
    ]);
    const unread = (sk: Addr): boolean => {
      const queue = this.#inboxes.queue(sk);
      return queue.length > 1 || (queue.length === 1 && skbs.len(queue.first) > 0);
    };

    on('tcp_close_way', () => {
      const sk = args.addr(0);
      const state = socks.state(sk);
      give(state !== TCP.LISTEN && state !== TCP.CLOSE && unread(sk) ? 'tcp_close_unread' : CLOSES[state]);
    });
    on('shutdown_mask', () => args.retU32(args.lo(0) + 1));
    on('shutdown_proto', () => give(socks.protocol(args.addr(0)) === IPPROTO.TCP ? 'tcp_shutdown' : undefined));
    on('tcp_shutdown_way', () => {
      const state = socks.state(args.addr(0));
      const sends = (args.lo(1) & SEND_SHUTDOWN) !== 0;
      const at = args.addr(0) + structs.of('sock').offset('sk_shutdown');
      memory.writeU8(at, memory.readU8(at) | (args.lo(1) & (RCV_SHUTDOWN | SEND_SHUTDOWN)));
      give(sends && (state === TCP.ESTABLISHED || state === TCP.CLOSE_WAIT) ? CLOSES[state] : undefined);
    });
    // sock_orphan: no descriptor leads to it any more
    on('sock_orphan_sk', () => {
      this.#connections.of(args.addr(0)).orphan = true;
    });
    on('sock_orphaned', () => args.retAddr(this.#orphaned(args.addr(0))));
    on('destroyed', () => {
      this.#connections.of(args.addr(0)).destroyed = true;
    });
    // closed while nobody looked: tcp_close itself destroys what has no end to wait for
    on('tcp_closed', () => {
      const sk = args.addr(0);
      const connection = this.#connections.of(sk);
      const now = socks.state(sk) === TCP.CLOSE && !connection.destroyed;
      args.retAddr(now ? sk : 0);
    });
    on('sk_finished', () => {
      const sk = args.addr(0);
      const connection = sk === 0 ? undefined : this.#connections.find(sk);
      // an end that is outside has nothing to say where none was reached
      const isEnd =
        connection?.destroyed === true || (connection?.answered === false && !CLOSING.includes(socks.state(sk)));
      const over = connection?.orphan === true && isEnd;
      const owned = sk !== 0 && over && memory.readU32(sk + structs.of('sock').offset('sk_lock.owned')) !== 0;
      args.retAddr(over && !owned ? sk : 0);
    });
    on('sk_free', () => this.#free(args.addr(0)));
    on('closes', () => args.retU32(args.lo(0) === TCP.CLOSE ? 1 : 0));
    on('unhash', () => ports.remove(args.addr(0)));
    on('tcp_disconnect_way', () =>
      give(NEEDS_RESET.includes(socks.state(args.addr(0))) ? 'tcp_disconnect_reset' : undefined),
    );
    on('disconnected', () => {
      const sk = args.addr(0);
      socks.setOwn(sk, new Uint8Array(4));
      socks.setPeerPort(sk, 0);
      memory.writeU32(sk + structs.of('sock').offset('sk_err'), 0);
    });
    on('write_queue_shift', () => {
      const connection = this.#connections.find(args.addr(0));
      const segment = connection?.toSend.shift() ?? connection?.unacknowledged.shift();
      args.retAddr(segment?.skb ?? 0);
    });
  }

  /** `sock->sk = NULL`: what still has an end to wait for goes on without its socket. Gives the `struct sock`. */
  #orphaned(socket: Addr): Addr {
    const { kernel, socks } = this.#net;
    const at = socket + kernel.structs.of('socket').offset('sk');
    const sk = kernel.memory.readAddr(at);
    if (sk !== 0 && socks.protocol(sk) === IPPROTO.TCP) kernel.memory.writeAddr(at, 0);
    return sk;
  }
}
