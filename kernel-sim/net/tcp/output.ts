/** Segments that leave: what is queued, its header, the copy that goes down while the segment waits to be acknowledged. */
import type { Addr } from '../../../src/machine/addr.ts';
import { IPPROTO, TCP } from '../../../src/uapi/socket.ts';
import { etherType, type Flow, IP_HLEN, IP6_HLEN, isV6, networkHeader, TCP_FLAG, TCP_HLEN } from '../inet.ts';
import type { NetParts, On } from '../parts.ts';
import type { Transmit } from '../transmit.ts';
import type { Connections, Outgoing } from './connections.ts';
import type { TcpFields } from './fields.ts';
import { headerLength, span, TS_ALIGNED, WSCALE, writeHeader } from './segment.ts';

/** MAX_TCP_HEADER of this configuration: room for all headers in front of the data */
const MAX_HEADER = 320;
/** receive windows that tcp_select_initial_window gives: in SYN, and behind it */
const [SYN_WINDOW, WINDOW] = [65_495, 65_536];
const INIT_CWND = 10;
const INFINITE_SSTHRESH = 0x7fff_ffff;
/** net.ipv4.tcp_rmem and its kin leave less than this to one segment */
const MOST_SEGMENT = 65_483;
/** TCP_ATO_MIN: who answers within it acknowledges with its data, ns */
const ATO = 40_000_000;

/** bytes of the headers in front of data, without options */
const headersOf = (flow: Pick<Flow, 'daddr'>): number => (isV6(flow) ? IP6_HLEN : IP_HLEN) + TCP_HLEN;

export class TcpOutput {
  readonly #net: NetParts;
  readonly #transmit: Transmit;
  readonly #connections: Connections;
  readonly #fields: TcpFields;
  /** flags of buffers that have no header yet */
  readonly flags = new Map<Addr, number>();

  constructor(net: NetParts, transmit: Transmit, connections: Connections, fields: TcpFields) {
    this.#net = net;
    this.#transmit = transmit;
    this.#connections = connections;
    this.#fields = fields;
  }

  register(on: On): void {
    const { kernel, skbs, ports, socks } = this.#net;
    const { args, text, recorded } = kernel;
    on('tcp_skb_alloc', () => args.retAddr(args.addr(0) === 0 ? 0 : this.alloc(args.addr(0), 0)));
    on('tcp_skb_flags', () => {
      const skb = args.addr(0);
      if (skb !== 0) this.flags.set(skb, args.lo(1));
    });
    // the data of the call that runs go into the buffer, and into more where it is full; a call that failed sent none
    on('tcp_skb_fill', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      if (skb === 0) return;
      skbs.free(skb);
      const payload = this.#net.psocks.sends ?? (recorded.failed ? undefined : this.#net.payload(args.lo(2)));
      if (payload === undefined) return;
      for (let from = 0; from < payload.length; from += MOST_SEGMENT)
        this.#queueData(sk, payload.subarray(from, from + MOST_SEGMENT));
    });
    on('tcp_skb_queue', () => {
      if (args.addr(1) !== 0) this.#queue(args.addr(0), args.addr(1), args.lo(2), 0);
    });
    on('tcp_send_head', () => {
      const head = args.addr(0) === 0 ? undefined : this.#connections.find(args.addr(0))?.toSend[0];
      if (head) this.flags.set(head.skb, head.flags);
      args.retAddr(head?.skb ?? 0);
    });
    on('tcp_sent', () => this.#sent(args.addr(0), args.addr(1)));
    on('tcp_skb_ack', () => args.retAddr(args.addr(0) === 0 ? 0 : this.#bare(args.addr(0), TCP_FLAG.ACK)));
    on('tcp_skb_rst', () => args.retAddr(this.#bare(args.addr(0), TCP_FLAG.RST | TCP_FLAG.ACK)));
    // skb_clone: where nobody will ever acknowledge, the segment itself goes
    on('tcp_clone', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      if (skb === 0 || args.lo(2) === 0 || !this.#connections.of(sk).answered) return args.retAddr(skb);
      const clone = skbs.copy(skb);
      this.flags.set(clone, this.flags.get(skb) ?? TCP_FLAG.ACK);
      this.flags.delete(skb);
      args.retAddr(clone);
    });
    on('tcp_header_len', () => {
      const flags = this.flags.get(args.addr(0)) ?? TCP_FLAG.ACK;
      args.retU32(args.addr(0) === 0 ? 0 : headerLength(flags, true));
    });
    on('tcp_header', () => this.#header(args.addr(0), args.addr(1)));
    on('queue_xmit', () => {
      const sk = args.addr(0);
      args.retAddr(sk === 0 ? 0 : text.place(isV6({ daddr: socks.peer(sk) }) ? 'inet6_csk_xmit' : 'ip_queue_xmit'));
    });
    const ip = (sk: Addr, skb: Addr, id: () => number): void => {
      if (skb !== 0) this.#ip(skb, sk, socks.flow(sk), id());
    };
    on('ip_header', () => ip(args.addr(0), args.addr(1), () => ports.nextId(args.addr(0))));
    on('ip6_header', () => ip(args.addr(0), args.addr(1), () => 0));
    on('ip6_push', () => void skbs.push(args.addr(0), IP6_HLEN));
  }

  alloc(sk: Addr, size: number): Addr {
    const { skbs, kernel } = this.#net;
    const skb = skbs.alloc(MAX_HEADER, size);
    kernel.memory.writeAddr(skb + skbs.f.sk, sk);
    return skb;
  }
  /** Puts an IP header in front of a segment. */
  #ip(skb: Addr, sk: Addr, flow: Flow, id: number): void {
    const { skbs, kernel, devices } = this.#net;
    const header = networkHeader(flow, IPPROTO.TCP, skbs.len(skb), id);
    kernel.memory.writeBytes(skbs.push(skb, header.length), header);
    this.#transmit.address(skb, sk, devices.route(flow.daddr).device.at, header.length);
    skbs.setProtocol(skb, etherType(flow));
    // ip6_xmit() takes the header in
    if (isV6(flow)) skbs.push(skb, -header.length);
  }
  /** A whole segment with both headers, of no socket or of a request: what its flow says. */
  whole(sk: Addr, flow: Flow, header: Uint8Array): Addr {
    const skb = this.alloc(sk, header.length);
    this.#net.skbs.put(skb, header);
    this.#ip(skb, sk, flow, 0);
    return skb;
  }
  /** First numbers of a connection: tcp_init_sock, tcp_connect_init. */
  begin(sk: Addr): void {
    const { socks, kernel } = this.#net;
    const fields = this.#fields;
    const daddr = socks.peer(sk);
    const headers = headersOf({ daddr });
    const mss = Math.min(this.mss({ daddr }), SYN_WINDOW + (headers - IP_HLEN - TCP_HLEN));
    // secure_tcp_seq: what nobody can guess, here by the seed
    const isn = kernel.random.u32() >>> 0;
    for (const field of ['snd_una', 'snd_nxt', 'write_seq'] as const) fields.set(sk, field, isn);
    fields.set(sk, 'snd_cwnd', INIT_CWND);
    fields.set(sk, 'snd_ssthresh', INFINITE_SSTHRESH);
    fields.set(sk, 'mss_cache', mss - TS_ALIGNED);
    fields.set(sk, 'rcv_wnd', SYN_WINDOW);
    fields.set(sk, 'window_clamp', SYN_WINDOW);
  }
  /** the longest segment that is taken over the way to its peer */
  mss(flow: Pick<Flow, 'daddr'>): number {
    const { devices } = this.#net;
    return devices.mtu(devices.route(flow.daddr).device) - headersOf(flow);
  }

  #bare(sk: Addr, flags: number): Addr {
    const skb = this.alloc(sk, 0);
    this.flags.set(skb, flags);
    return skb;
  }
  #queueData(sk: Addr, payload: Uint8Array): void {
    const { skbs, kernel } = this.#net;
    const skb = this.alloc(sk, payload.length);
    skbs.put(skb, payload);
    this.#queue(sk, skb, TCP_FLAG.PSH | TCP_FLAG.ACK, payload.length);
    const connection = this.#connections.of(sk);
    // tcp_event_data_sent: a reply to what has just come in
    if (connection.receivedAt > 0 && kernel.clock.now - connection.receivedAt < ATO) connection.pingpong = true;
  }
  #queue(sk: Addr, skb: Addr, flags: number, bytes: number): void {
    this.#connections.of(sk).toSend.push({ skb, flags, bytes, end: 0, sentAt: 0, delivered: 0 });
    this.#fields.add(sk, 'write_seq', span(flags, bytes));
  }
  /** A segment was sent: it goes from what is to be sent to what is to be acknowledged. */
  #sent(sk: Addr, skb: Addr): void {
    if (sk === 0 || skb === 0) return;
    const { clock } = this.#net.kernel;
    const fields = this.#fields;
    const connection = this.#connections.of(sk);
    const at = connection.toSend.findIndex((one) => one.skb === skb);
    const segment: Outgoing = (at >= 0 ? connection.toSend.splice(at, 1)[0] : undefined) ?? {
      skb,
      flags: TCP_FLAG.SYN,
      bytes: 0,
      end: 0,
      sentAt: 0,
      delivered: 0,
    };
    // SYN, which no queue had
    if (at < 0) fields.add(sk, 'write_seq', 1);
    segment.sentAt = clock.now;
    segment.delivered = fields.get(sk, 'delivered');
    segment.end = fields.get(sk, 'snd_nxt');
    if (connection.answered) connection.unacknowledged.push(segment);
    fields.set(sk, 'packets_out', connection.unacknowledged.length);
  }
  #header(sk: Addr, skb: Addr): void {
    if (skb === 0) return;
    const { skbs, kernel, socks } = this.#net;
    const fields = this.#fields;
    const flags = this.flags.get(skb) ?? TCP_FLAG.ACK;
    this.flags.delete(skb);
    const connection = this.#connections.of(sk);
    const length = skbs.len(skb);
    const took = span(flags, length);
    const carries = took > 0;
    const header = writeHeader(
      socks.flow(sk),
      {
        ...{ flags, seq: fields.get(sk, 'snd_nxt'), ack: flags & TCP_FLAG.ACK ? fields.get(sk, 'rcv_nxt') : 0 },
        window: flags & TCP_FLAG.SYN ? SYN_WINDOW : flags & TCP_FLAG.RST ? 0 : WINDOW >> WSCALE,
        timestamp: connection.timestamps ? { value: this.stamp, echo: connection.tsRecent } : undefined,
        mss: this.mss(socks.flow(sk)),
      },
      length,
    );
    if (carries) fields.add(sk, 'snd_nxt', took);
    fields.add(sk, 'segs_out', 1);
    if (length > 0) {
      fields.add(sk, 'data_segs_out', 1);
      fields.addLong(sk, 'bytes_sent', length);
    }
    if (flags & TCP_FLAG.ACK) connection.ackDue = false;
    if (socks.state(sk) !== TCP.SYN_SENT && !(flags & TCP_FLAG.SYN)) fields.set(sk, 'rcv_wnd', WINDOW);
    kernel.memory.writeBytes(skbs.push(skb, header.length), header);
  }
  /** the clock of timestamps: milliseconds */
  get stamp(): number {
    return Math.floor(this.#net.kernel.clock.now / 1_000_000) >>> 0;
  }
}
