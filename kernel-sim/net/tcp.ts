/** Segments of TCP (RFC 9293): what connect, send and close make leaves as buffers with sequence numbers that follow one another. */
import type { Addr } from '../../src/machine/addr.ts';
import { capture, type Stateful } from '../core/state.ts';
import { IP_HLEN, IPPROTO, ipHeader, parseIp, TCP_FLAG, TCP_HLEN, tcpHeader } from './inet.ts';
import { swap16 } from './packet.ts';
import type { NetParts, On } from './parts.ts';
import type { Transmit } from './transmit.ts';

/** MAX_TCP_HEADER of this configuration: room for all headers in front of the data */
const MAX_HEADER = 320;
const WINDOW = 65_483;
const AF_INET6 = 10;
const TCP_ESTABLISHED = 1;

/** One end's numbers. */
interface Connection {
  /** what is sent next, and what is expected next */
  seq: number;
  ack: number;
  readonly queue: { readonly skb: Addr; readonly flags: number }[];
}

export class Tcp implements Stateful {
  readonly #net: NetParts;
  readonly #transmit: Transmit;
  readonly #connections = new Map<Addr, Connection>();
  /** flags of buffers that have no header yet */
  readonly #flags = new Map<Addr, number>();

  constructor(net: NetParts, transmit: Transmit) {
    this.#net = net;
    this.#transmit = transmit;
  }
  save() {
    return capture({ connections: this.#connections, flags: this.#flags });
  }
  restore(state: ReturnType<Tcp['save']>): void {
    state.back();
  }

  register(on: On): void {
    const { kernel, skbs, ports } = this.#net;
    const { args, memory, text, recorded } = kernel;
    const sock = kernel.structs.of('sock');
    const six = (sk: Addr): boolean => memory.readU16(sk + sock.offset('__sk_common.skc_family')) === AF_INET6;
    on('tcp_skb_alloc', () => args.retAddr(args.addr(0) === 0 || six(args.addr(0)) ? 0 : this.#alloc(args.addr(0), 0)));
    on('tcp_skb_flags', () => {
      if (args.addr(0) !== 0) this.#flags.set(args.addr(0), args.lo(1));
    });
    // the data of the call that runs go into the buffer; a call that failed sent none
    on('tcp_skb_fill', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      if (skb === 0) return;
      const payload = recorded.failed ? undefined : this.#net.payload(args.lo(2));
      skbs.free(skb);
      if (payload === undefined) return;
      const filled = this.#alloc(sk, payload.length);
      skbs.put(filled, payload);
      this.#of(sk).queue.push({ skb: filled, flags: TCP_FLAG.PSH | TCP_FLAG.ACK });
    });
    on('tcp_skb_queue', () => {
      if (args.addr(1) !== 0) this.#of(args.addr(0)).queue.push({ skb: args.addr(1), flags: args.lo(2) });
    });
    on('tcp_send_head', () => {
      const head = args.addr(0) === 0 ? undefined : this.#connections.get(args.addr(0))?.queue.shift();
      if (head) this.#flags.set(head.skb, head.flags);
      args.retAddr(head?.skb ?? 0);
    });
    on('tcp_skb_ack', () => {
      const sk = args.addr(0);
      const skb = sk === 0 || six(sk) ? 0 : this.#alloc(sk, 0);
      if (skb !== 0) this.#flags.set(skb, TCP_FLAG.ACK);
      args.retAddr(skb);
    });
    on('queue_xmit', () => {
      const sk = args.addr(0);
      args.retAddr(sk === 0 ? 0 : text.place(six(sk) ? 'inet6_csk_xmit' : 'ip_queue_xmit'));
    });
    on('tcp_header', () => this.#header(args.addr(0), args.addr(1)));
    on('ip_header', () => this.#ip(args.addr(0), args.addr(1)));
    on('tcp_lookup', () => {
      const skb = args.addr(0);
      const start = skbs.header(skb, 'network_header');
      const seen = parseIp(memory.readBytes(start, skbs.data(skb) + skbs.len(skb) - start));
      args.retAddr(seen === undefined ? 0 : ports.lookup(IPPROTO.TCP, seen.flow));
    });
    on('tcp_input', () => {
      const sk = args.addr(0);
      const isEstablished = sk !== 0 && memory.readU8(sk + sock.offset('__sk_common.skc_state')) === TCP_ESTABLISHED;
      args.retAddr(isEstablished ? text.place('tcp_rcv_established') : sk === 0 ? 0 : text.place('tcp_discard'));
    });
  }

  #of(sk: Addr): Connection {
    let connection = this.#connections.get(sk);
    if (connection === undefined) {
      // secure_tcp_seq: what nobody can guess, here by the seed
      connection = { seq: this.#net.kernel.random.u32() >>> 0, ack: 0, queue: [] };
      this.#connections.set(sk, connection);
    }
    return connection;
  }
  closed(sk: Addr): void {
    for (const { skb } of this.#connections.get(sk)?.queue ?? []) this.#net.skbs.free(skb);
    this.#connections.delete(sk);
  }
  #alloc(sk: Addr, size: number): Addr {
    const { skbs, kernel } = this.#net;
    const skb = skbs.alloc(MAX_HEADER, size);
    kernel.memory.writeAddr(skb + skbs.f.sk, sk);
    return skb;
  }
  #flow(sk: Addr) {
    const { kernel, devices, ports } = this.#net;
    const { memory } = kernel;
    const sock = kernel.structs.of('sock');
    const daddr = memory.readBytes(sk + sock.offset('__sk_common.skc_daddr'), 4);
    const own = memory.readBytes(sk + sock.offset('__sk_common.skc_rcv_saddr'), 4);
    const { device, source } = devices.route(daddr);
    const isOwn = own.some((byte) => byte !== 0) && (own[0] !== 127 || device === devices.lo);
    const dport = swap16(memory.readU16(sk + sock.offset('__sk_common.skc_dport')));
    return { flow: { saddr: isOwn ? own : source, daddr, sport: ports.port(sk), dport }, device };
  }
  #header(sk: Addr, skb: Addr): void {
    if (skb === 0) return;
    const { skbs, kernel } = this.#net;
    const flags = this.#flags.get(skb) ?? TCP_FLAG.ACK;
    this.#flags.delete(skb);
    const connection = this.#of(sk);
    const length = skbs.len(skb);
    const header = tcpHeader(this.#flow(sk).flow, connection.seq, connection.ack, flags, WINDOW, length);
    const counts = length + (flags & (TCP_FLAG.SYN | TCP_FLAG.FIN) ? 1 : 0);
    connection.seq = (connection.seq + counts) >>> 0;
    kernel.memory.writeBytes(skbs.push(skb, TCP_HLEN), header);
  }
  #ip(sk: Addr, skb: Addr): void {
    if (skb === 0) return;
    const { skbs, kernel, ports } = this.#net;
    const { flow, device } = this.#flow(sk);
    const header = ipHeader(flow, IPPROTO.TCP, skbs.len(skb), ports.nextId(sk));
    kernel.memory.writeBytes(skbs.push(skb, IP_HLEN), header);
    this.#transmit.address(skb, sk, device.at);
    skbs.setProtocol(skb, 0x0800);
  }
}
