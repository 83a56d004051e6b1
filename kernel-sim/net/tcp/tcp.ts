/** TCP (RFC 9293) between this kernel's sockets, and with ends that only the recording knows: its parts, a file each. */
import type { Addr } from '../../../src/machine/addr.ts';
import { IPPROTO } from '../../../src/uapi/socket.ts';
import { capture, type Stateful } from '../../core/state.ts';
import { parseIp, reversed, TCP_FLAG } from '../inet.ts';
import type { NetParts, On } from '../parts.ts';
import type { Transmit } from '../transmit.ts';
import { TcpClosing } from './closing.ts';
import { Congestion } from './congestion.ts';
import { Connections } from './connections.ts';
import { TcpFields } from './fields.ts';
import { type Inboxes, TcpInput } from './input.ts';
import { TcpOutput } from './output.ts';
import { Outside } from './outside.ts';
import { SocketOwner } from './owner.ts';
import { TcpRequests } from './requests.ts';
import { readSegment, span, writeHeader } from './segment.ts';

export class Tcp implements Stateful {
  readonly congestion: Congestion;
  readonly #net: NetParts;
  readonly #connections = new Connections();
  readonly #fields: TcpFields;
  readonly #outside: Outside;
  readonly #output: TcpOutput;
  readonly #input: TcpInput;
  readonly #requests: TcpRequests;
  readonly #closing: TcpClosing;
  readonly #owner: SocketOwner;

  /** `free`: a `struct sock` goes that no descriptor leads to */
  constructor(net: NetParts, transmit: Transmit, inboxes: Inboxes, free: (sk: Addr) => void) {
    this.#net = net;
    this.#fields = new TcpFields(net.kernel);
    this.#output = new TcpOutput(net, transmit, this.#connections, this.#fields);
    this.#input = new TcpInput(net, this.#connections, this.#fields, inboxes);
    this.#requests = new TcpRequests(net, this.#connections, this.#fields, this.#output);
    this.#outside = new Outside(net, this.#connections, this.#fields, this.#requests);
    this.#closing = new TcpClosing(net, this.#connections, inboxes, free);
    this.#owner = new SocketOwner(net, this.#fields, this.#outside);
    this.congestion = new Congestion(net, this.#connections, this.#fields);
  }
  save() {
    const flags = this.#output.flags;
    return capture({ parts: [this.#connections, this.#outside, this.#requests, this.congestion], flags });
  }
  restore(state: ReturnType<Tcp['save']>): void {
    state.back();
  }

  register(on: On): void {
    const { kernel, devices, ports, socks } = this.#net;
    const { args } = kernel;
    for (const part of [
      this.#outside,
      this.#output,
      this.#input,
      this.#requests,
      this.#closing,
      this.#owner,
      this.congestion,
    ])
      part.register(on);
    // connect(): the address that the route gives, a port where it has none
    on('sock_source', () => {
      const sk = args.addr(0);
      if (sk === 0) return;
      ports.setOwn(sk, devices.route(socks.peer(sk)).source);
    });
    on('local_port', () => {
      const sk = args.addr(0);
      ports.bind(sk, socks.own(sk), ports.port(sk));
    });
    on('tcp_begin', () => {
      const sk = args.addr(0);
      this.#output.begin(sk);
      this.#connections.of(sk).answered = devices.isLocal(socks.peer(sk));
    });
    on('tcp_reset_reply', () => args.retAddr(this.#resetReply(args.addr(0))));
  }
  /** Segments wait until the task that has locked the socket gives it free. */
  isBacklogged(sk: Addr): boolean {
    return this.#fields.pointer(sk, 'sk_backlog.head') !== 0;
  }

  /** The reset that answers a segment for nobody: RFC 9293 section 3.5.2, group 1. */
  #resetReply(skb: Addr): Addr {
    const { skbs } = this.#net;
    const seen = parseIp(this.#net.packet(skb));
    const segment = readSegment(skbs.bytes(skb));
    if (seen === undefined || segment === undefined) return 0;
    const back = reversed(seen.flow);
    const hasAck = (segment.flags & TCP_FLAG.ACK) !== 0;
    const header = {
      seq: hasAck ? segment.ack : 0,
      ack: hasAck ? 0 : (segment.seq + span(segment.flags, segment.data)) >>> 0,
      flags: TCP_FLAG.RST | (hasAck ? 0 : TCP_FLAG.ACK),
      window: 0,
      timestamp: undefined,
      mss: 0,
    };
    return this.#output.whole(0, back, writeHeader(back, header, 0));
  }

  /** A socket's memory is given back. */
  closed(sk: Addr): void {
    const connection = this.#connections.find(sk);
    for (const { skb } of [...(connection?.toSend ?? []), ...(connection?.unacknowledged ?? [])])
      this.#net.skbs.free(skb);
    this.#connections.delete(sk);
    if (this.#net.socks.protocol(sk) === IPPROTO.TCP) this.congestion.leave(sk);
    this.#outside.closed(sk);
    this.#requests.closed(sk);
    this.#net.kernel.sched.wheel.cancel('tcp_delack_timer_handler', sk);
  }
}
