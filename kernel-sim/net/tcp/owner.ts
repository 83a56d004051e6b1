/** Who has a socket: a task that has locked it, while segments wait in its backlog (include/net/sock.h, `socket_lock_t`). */
import type { Addr } from '../../../src/machine/addr.ts';
import { AF, IPPROTO } from '../../../src/uapi/socket.ts';
import type { NetParts, On } from '../parts.ts';
import type { TcpFields } from './fields.ts';
import type { Outside } from './outside.ts';

export class SocketOwner {
  readonly #net: NetParts;
  readonly #fields: TcpFields;
  readonly #outside: Outside;
  constructor(net: NetParts, fields: TcpFields, outside: Outside) {
    this.#net = net;
    this.#fields = fields;
    this.#outside = outside;
  }

  register(on: On): void {
    const { kernel, skbs, socks } = this.#net;
    const { args, memory, text } = kernel;
    const fields = this.#fields;
    text.maker.mayCall(['tcp_release_cb', 'tcp_outside_sends']);
    on('lock_sock', () => {
      if (args.addr(0) !== 0) fields.setSock(args.addr(0), 'sk_lock.owned', 1);
    });
    on('unlock_sock', () => {
      if (args.addr(0) !== 0) fields.setSock(args.addr(0), 'sk_lock.owned', 0);
    });
    on('release_cb', () => {
      const sk = args.addr(0);
      args.retAddr(sk !== 0 && socks.protocol(sk) === IPPROTO.TCP ? text.place('tcp_release_cb') : 0);
    });
    on('backlogged', () => {
      const sk = args.addr(0);
      args.retU32(sk !== 0 && (fields.pointer(sk, 'sk_backlog.head') !== 0 || this.#outside.answers(sk)) ? 1 : 0);
    });
    on('backlog_add', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      const tail = fields.pointer(sk, 'sk_backlog.tail');
      memory.writeAddr(skb + skbs.f.next, 0);
      if (tail === 0) fields.setPointer(sk, 'sk_backlog.head', skb);
      else memory.writeAddr(tail + skbs.f.next, skb);
      fields.setPointer(sk, 'sk_backlog.tail', skb);
    });
    on('backlog_next', () => args.retAddr(args.addr(0) === 0 ? 0 : this.#next(args.addr(0))));
    // what a segment of the backlog goes through, and an answer that only the recording tells of
    on('backlog_rcv', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      const has = sk !== 0 && (skb !== 0 || this.#outside.answers(sk));
      args.retAddr(has ? text.place(socks.family(sk) === AF.INET6 ? 'tcp_v6_do_rcv' : 'tcp_v4_do_rcv') : 0);
    });
  }
  #next(sk: Addr): Addr {
    const { skbs, kernel } = this.#net;
    const fields = this.#fields;
    const skb = fields.pointer(sk, 'sk_backlog.head');
    if (skb === 0) return 0;
    const next = kernel.memory.readAddr(skb + skbs.f.next);
    fields.setPointer(sk, 'sk_backlog.head', next);
    if (next === 0) fields.setPointer(sk, 'sk_backlog.tail', 0);
    kernel.memory.writeAddr(skb + skbs.f.next, 0);
    return skb;
  }
}
