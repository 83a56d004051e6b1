/** The passive end: a SYN becomes a request, its answer a socket that waits to be accepted (`struct request_sock`, include/net/request_sock.h). */

import type { Addr } from '../../../src/machine/addr.ts';
import { equalBytes } from '../../../src/platform/index.ts';
import { AF, TCP } from '../../../src/uapi/socket.ts';
import { SOCK_ROOM } from '../../core/object-words.ts';
import { capture, type Stateful } from '../../core/state.ts';
import { type Flow, parseIp, reversed, TCP_FLAG } from '../inet.ts';
import type { NetParts, On } from '../parts.ts';
import type { Connections } from './connections.ts';
import type { TcpFields } from './fields.ts';
import type { TcpOutput } from './output.ts';
import { readSegment, writeHeader } from './segment.ts';

/** the window that SYN-ACK tells: sk_rcvbuf of lo */
const WINDOW = 65_483;

/** net.core.somaxconn */
const SOMAXCONN = 4096;
const NOWHERE: Flow = { saddr: new Uint8Array(4), daddr: new Uint8Array(4), sport: 0, dport: 0 };

interface Request {
  readonly listener: Addr;
  flow: Flow;
  /** the other end's first number, and the own one */
  theirs: number;
  ours: number;
  timestamp: number;
}

export class TcpRequests implements Stateful {
  readonly #net: NetParts;
  readonly #connections: Connections;
  readonly #fields: TcpFields;
  readonly #output: TcpOutput;
  readonly #requests = new Map<Addr, Request>();
  /** by listener: established, and not accepted yet */
  readonly #established = new Map<Addr, Addr[]>();

  constructor(net: NetParts, connections: Connections, fields: TcpFields, output: TcpOutput) {
    this.#net = net;
    this.#connections = connections;
    this.#fields = fields;
    this.#output = output;
  }
  save() {
    return capture({ requests: this.#requests, established: this.#established });
  }
  restore(state: ReturnType<TcpRequests['save']>): void {
    state.back();
  }
  closed(sk: Addr): void {
    this.#established.delete(sk);
    for (const [req, { listener }] of this.#requests) if (listener === sk) this.#drop(req);
  }

  register(on: On): void {
    const { kernel, socks, ports, skbs } = this.#net;
    const { args, memory, text, recorded } = kernel;
    const fields = this.#fields;
    on('listen_backlog', () => {
      if (args.addr(0) !== 0) fields.setSock(args.addr(0), 'sk_max_ack_backlog', Math.min(args.u32(1), SOMAXCONN));
    });
    on('listens', () => {
      const sk = args.addr(0);
      if (sk !== 0 && socks.port(sk) === 0) ports.bind(sk, new Uint8Array(4), 0);
      else if (sk !== 0) ports.add(sk);
    });
    on('req_alloc', () => {
      const req = kernel.slab.kmalloc(SOCK_ROOM);
      memory.writeBytes(req, new Uint8Array(SOCK_ROOM));
      const listener = args.addr(0);
      memory.writeU16(req + socks.f['__sk_common.skc_family'], socks.family(listener));
      memory.writeU8(req + socks.f['__sk_common.skc_state'], TCP.NEW_SYN_RECV);
      memory.writeU16(req + socks.f.sk_protocol, socks.protocol(listener));
      this.#requests.set(req, { listener, flow: NOWHERE, theirs: 0, ours: 0, timestamp: 0 });
      args.retAddr(req);
    });
    on('req_init', () => this.#init(args.addr(0), args.addr(2)));
    on('req_hash', () => ports.add(args.addr(1)));
    on('req_listener', () => args.retAddr(this.#requests.get(args.addr(0))?.listener ?? 0));
    on('conn_request', () =>
      args.retAddr(text.place(socks.family(args.addr(0)) === AF.INET6 ? 'tcp_v6_conn_request' : 'tcp_v4_conn_request')),
    );
    on('send_synack', () =>
      args.retAddr(text.place(socks.family(args.addr(0)) === AF.INET6 ? 'tcp_v6_send_synack' : 'tcp_v4_send_synack')),
    );
    on('tcp_synack', () => args.retAddr(this.#synack(args.addr(0))));
    // only what acknowledges SYN-ACK makes a socket of a request
    on('req_answered', () => {
      const request = this.#requests.get(args.addr(0));
      const seen = readSegment(skbs.bytes(args.addr(1)));
      const plain = seen !== undefined && (seen.flags & (TCP_FLAG.SYN | TCP_FLAG.RST | TCP_FLAG.ACK)) === TCP_FLAG.ACK;
      args.retAddr(plain && request && seen.ack === (request.ours + 1) >>> 0 ? args.addr(0) : 0);
    });
    on('syn_recv_sock', () => {
      const req = args.addr(0);
      const name =
        req === 0 ? undefined : socks.family(req) === AF.INET6 ? 'tcp_v6_syn_recv_sock' : 'tcp_v4_syn_recv_sock';
      args.retAddr(name === undefined ? 0 : text.place(name));
    });
    on('sk_clone', () => args.retAddr(this.#clone(args.addr(0))));
    on('child_ports', () => {
      const request = this.#requests.get(args.addr(1));
      if (request) ports.setPort(args.addr(0), request.flow.dport);
    });
    on('child_addresses', () => this.#address(args.addr(0), args.addr(1)));
    on('child_hashed', () => {
      ports.add(args.addr(0));
      this.#drop(args.addr(1));
    });
    on('accept_queue', () => {
      const [sk, child] = [args.addr(0), args.addr(1)];
      const queue = this.#established.get(sk) ?? [];
      queue.push(child);
      this.#established.set(sk, queue);
      fields.setSock(sk, 'sk_ack_backlog', queue.length);
    });
    on('accept_waits', () => {
      const sk = args.addr(0);
      const none = (this.#established.get(sk)?.length ?? 0) === 0;
      args.retU32(sk !== 0 && none && !recorded.failed ? 1 : 0);
    });
    on('accept_next', () => {
      const sk = args.addr(0);
      const next = recorded.failed ? undefined : this.#established.get(sk)?.shift();
      if (next !== undefined) fields.setSock(sk, 'sk_ack_backlog', this.#established.get(sk)?.length ?? 0);
      args.retAddr(next ?? 0);
    });
  }

  /** The first number of the answer to a SYN of this flow; undefined where none was given. */
  answerOf(flow: Flow): number | undefined {
    for (const request of this.#requests.values())
      if (
        request.flow.sport === flow.sport &&
        request.flow.dport === flow.dport &&
        equalBytes(request.flow.saddr, flow.saddr)
      )
        return request.ours;
    return undefined;
  }

  /** `tcp_openreq_init`: the ends of a request, exchanged, and its numbers. */
  #init(req: Addr, skb: Addr): void {
    const { socks, skbs, ports, kernel } = this.#net;
    const request = this.#requests.get(req);
    const seen = parseIp(this.#net.packet(skb));
    const segment = readSegment(skbs.bytes(skb));
    if (request === undefined || seen === undefined || segment === undefined) return;
    const { saddr, daddr, sport, dport } = seen.flow;
    request.flow = seen.flow;
    request.theirs = segment.seq;
    request.ours = kernel.random.u32() >>> 0;
    request.timestamp = segment.timestamp;
    socks.setOwn(req, daddr);
    socks.setPeer(req, saddr);
    socks.setPeerPort(req, sport);
    ports.setPort(req, dport);
  }
  #synack(req: Addr): Addr {
    const request = this.#requests.get(req);
    if (request === undefined) return 0;
    const back = reversed(request.flow);
    const header = writeHeader(
      back,
      {
        ...{ seq: request.ours, ack: (request.theirs + 1) >>> 0, flags: TCP_FLAG.SYN | TCP_FLAG.ACK, window: WINDOW },
        ...{ timestamp: { value: this.#output.stamp, echo: request.timestamp }, mss: this.#output.mss(back) },
      },
      0,
    );
    return this.#output.whole(req, back, header);
  }
  /** `sk_clone_lock`: a socket as the one that listens is, closed to nobody yet. */
  #clone(sk: Addr): Addr {
    const { kernel, socks } = this.#net;
    const { memory, slab } = kernel;
    const child = slab.kmalloc(SOCK_ROOM);
    memory.writeBytes(child, memory.readBytes(sk, SOCK_ROOM));
    const fields = this.#fields;
    for (const field of ['sk_backlog.head', 'sk_backlog.tail'] as const) fields.setPointer(child, field, 0);
    for (const field of ['sk_lock.owned', 'sk_ack_backlog', 'sk_err'] as const) fields.setSock(child, field, 0);
    memory.writeAddr(child + kernel.structs.of('sock').offset('sk_socket'), 0);
    memory.writeAddr(child + kernel.structs.of('sock').offset('__sk_common.skc_cookie'), 0);
    socks.setPeerPort(child, 0);
    return child;
  }
  #address(child: Addr, req: Addr): void {
    const { socks } = this.#net;
    const request = this.#requests.get(req);
    if (request === undefined) return;
    socks.setOwn(child, request.flow.daddr);
    socks.setPeer(child, request.flow.saddr);
    socks.setPeerPort(child, request.flow.sport);
    this.#output.begin(child);
    const fields = this.#fields;
    const connection = this.#connections.of(child);
    connection.answered = true;
    connection.tsRecent = request.timestamp;
    for (const field of ['snd_una', 'snd_nxt', 'write_seq'] as const) fields.set(child, field, request.ours + 1);
    for (const field of ['rcv_nxt', 'rcv_wup', 'copied_seq'] as const) fields.set(child, field, request.theirs + 1);
  }
  #drop(req: Addr): void {
    if (!this.#requests.delete(req)) return;
    this.#net.ports.remove(req);
    this.#net.kernel.slab.kfree(req);
  }
}
