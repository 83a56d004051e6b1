/** Segments that come in: whose they are, what they acknowledge and carry, and which step their socket's state makes (RFC 9293 section 3.10.7). */
import type { Addr } from '../../../src/machine/addr.ts';
import { AF, IPPROTO, TCP } from '../../../src/uapi/socket.ts';
import { ERRNO } from '../../core/errno.ts';
import { parseIp, TCP_FLAG } from '../inet.ts';
import type { NetParts, On } from '../parts.ts';
import type { SkbQueue } from '../skb.ts';
import type { Connections } from './connections.ts';
import type { TcpFields } from './fields.ts';
import { after, readSegment, type Segment, WSCALE } from './segment.ts';

const { SYN, ACK, FIN, RST } = TCP_FLAG;
const DELACK_NS = 40_000_000;

export interface Inboxes {
  /** the receive queue of a socket */
  queue(sk: Addr): SkbQueue;
  /** more of it is there now, or less; bytes of memory */
  charge(sk: Addr, bytes: number): void;
}

/** functions that text is given to call */
export const TCP_CALLEES = [
  ...['tcp_no_socket', 'tcp_to_request', 'tcp_listening', 'tcp_to_socket', 'tcp_add_backlog'],
  ...['tcp_v4_do_rcv', 'tcp_v6_do_rcv', 'tcp_rcv_established', 'tcp_rcv_state_process', 'tcp_v4_conn_request'],
  ...[
    'tcp_v6_conn_request',
    'tcp_v4_send_synack',
    'tcp_v6_send_synack',
    'tcp_v4_syn_recv_sock',
    'tcp_v6_syn_recv_sock',
  ],
  ...['tcp_step_listen', 'tcp_step_syn_sent', 'tcp_step_syn_sent_reset', 'tcp_step_syn_recv', 'tcp_step_reset'],
  ...['tcp_step_closing', 'tcp_fin_acked', 'tcp_fin_acked_closing', 'tcp_fin_acked_last', 'tcp_fin_established'],
  ...['tcp_fin_both', 'tcp_fin_second', 'tcp_v4_send_reset', 'tcp_v6_send_reset', 'sock_def_readable', '__kfree_skb'],
] as const;
type Callee = (typeof TCP_CALLEES)[number];

export class TcpInput {
  readonly #net: NetParts;
  readonly #connections: Connections;
  readonly #fields: TcpFields;
  readonly #inboxes: Inboxes;

  constructor(net: NetParts, connections: Connections, fields: TcpFields, inboxes: Inboxes) {
    this.#net = net;
    this.#connections = connections;
    this.#fields = fields;
    this.#inboxes = inboxes;
  }

  register(on: On): void {
    const { kernel, skbs, ports, socks } = this.#net;
    const { args, memory, text, recorded } = kernel;
    const fields = this.#fields;
    const give = (name: Callee | undefined): void => args.retAddr(name === undefined ? 0 : text.place(name));
    const orphan = (sk: Addr): boolean => this.#connections.find(sk)?.orphan === true;
    text.maker.mayCall(TCP_CALLEES);

    on('skb_word', () => {
      const skb = args.addr(0);
      const at = skbs.header(skb, 'network_header');
      const six = memory.readU8(at) >> 4 === 6;
      const transport = skbs.data(skb);
      const which = args.lo(1);
      if (which === 4) args.retAddr(at);
      else if (which === 1) args.retU32(memory.readU16(transport));
      else if (which === 3) args.retU32((memory.readU8(transport + 2) << 8) | memory.readU8(transport + 3));
      else if (six) args.retAddr(at + (which === 0 ? 8 : 24));
      else args.retU32(memory.readU32(at + (which === 0 ? 12 : 16)));
    });
    on('tcp_established', () => {
      const size = args.lo(4);
      const address = (n: number): Uint8Array =>
        size === 4 ? word(args.u32(n)) : memory.readBytes(args.addr(n), size);
      const port = args.u32(1);
      args.retAddr(
        ports.connected(IPPROTO.TCP, {
          ...{ saddr: address(0), daddr: address(2), sport: ((port & 0xff) << 8) | (port >> 8), dport: args.u32(3) },
        }),
      );
    });
    on('tcp_listener', () => {
      const seen = args.addr(0) === 0 ? undefined : parseIp(this.#net.packet(args.addr(0)));
      args.retAddr(seen === undefined ? 0 : ports.listener(IPPROTO.TCP, seen.flow));
    });
    // the first where it is a socket; an error is none, and ends the search
    on('chosen', () => args.retAddr(args.hi(0) === -1 ? 0 : args.addr(0) || args.addr(1)));
    on('tcp_way', () => {
      const sk = args.addr(0);
      if (sk === 0) give('tcp_no_socket');
      else if (socks.state(sk) === TCP.NEW_SYN_RECV) give('tcp_to_request');
      else give(socks.state(sk) === TCP.LISTEN ? 'tcp_listening' : 'tcp_to_socket');
    });
    // a segment for nobody is answered by a reset, where the recording does not say that somebody else had it
    on('tcp_resets', () => {
      const seen = this.#segment(args.addr(0));
      const six = memory.readU8(skbs.header(args.addr(0), 'network_header')) >> 4 === 6;
      const resets = seen !== undefined && (seen.flags & RST) === 0 && this.#isForNobody(args.addr(0), seen);
      give(resets ? (six ? 'tcp_v6_send_reset' : 'tcp_v4_send_reset') : undefined);
    });
    on('tcp_unknown', () => {
      const seen = this.#segment(args.addr(0));
      args.retAddr(seen === undefined || this.#isForNobody(args.addr(0), seen) ? args.addr(0) : 0);
    });
    on('tcp_fill_cb', () => this.#fillCb(args.addr(0)));
    on('tcp_do_rcv', () => (args.addr(1) === 0 ? give(undefined) : give(this.#doRcv(args.addr(0)))));
    on('tcp_owned', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      if (skb === 0) give(undefined);
      else give(fields.sock(sk, 'sk_lock.owned') !== 0 ? 'tcp_add_backlog' : this.#doRcv(sk));
    });
    on('tcp_input', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      const seen = skb === 0 ? undefined : this.#segment(skb);
      const plain = seen !== undefined && (seen.flags & (RST | SYN)) === 0 && socks.state(sk) === TCP.ESTABLISHED;
      give(plain ? 'tcp_rcv_established' : 'tcp_rcv_state_process');
    });
    on('tcp_step', () => give(args.addr(1) === 0 ? undefined : this.#step(args.addr(0), args.addr(1))));

    on('tcp_acks', () => args.retU32(this.#acks(args.addr(0), args.addr(1))));
    on('rtx_acked', () => {
      const connection = this.#connections.of(args.addr(0));
      const first = connection.unacknowledged[0];
      const done = first !== undefined && !after(first.end, fields.get(args.addr(0), 'snd_una'));
      if (done) {
        connection.unacknowledged.shift();
        connection.deliveredAtSend = first.delivered;
        connection.rtt = Math.max(1, Math.floor((kernel.clock.now - first.sentAt) / 1000));
        fields.set(args.addr(0), 'packets_out', connection.unacknowledged.length);
      }
      args.retAddr(done ? first.skb : 0);
    });
    on('ack_seq', () => args.retU32(this.#segment(args.addr(0))?.ack ?? 0));
    on('ack_rtt', () => args.retU32(this.#connections.of(args.addr(0)).rtt));
    on('rtt_sample', () => this.#sample(args.addr(0), args.u32(1)));
    on('rtt', () => {
      const sk = args.addr(0);
      args.retU32(args.lo(1) === 0 ? this.#connections.of(sk).rtt : fields.get(sk, 'srtt_us') >>> 3);
    });

    on('tcp_empty', () => {
      const seen = args.addr(0) === 0 ? undefined : this.#segment(args.addr(0));
      args.retAddr(seen !== undefined && seen.data === 0 && (seen.flags & FIN) === 0 ? args.addr(0) : 0);
    });
    on('tcp_data', () => args.retU32(args.addr(0) === 0 ? 0 : (this.#segment(args.addr(0))?.data ?? 0)));
    on('tcp_fins', () => args.retU32(args.addr(0) === 0 ? 0 : (this.#segment(args.addr(0))?.flags ?? 0) & FIN));
    on('tcp_queue', () => args.retU32(this.#queue(args.addr(0), args.addr(1)) ? 1 : 0));
    on('data_received', () => {
      this.#connections.of(args.addr(0)).receivedAt = kernel.clock.now;
    });
    on('tcp_fin_way', () => {
      const state = socks.state(args.addr(0));
      if (state === TCP.ESTABLISHED || state === TCP.SYN_RECV) {
        this.#connections.of(args.addr(0)).pingpong = true;
        give('tcp_fin_established');
      } else give(state === TCP.FIN_WAIT1 ? 'tcp_fin_both' : state === TCP.FIN_WAIT2 ? 'tcp_fin_second' : undefined);
    });
    // data or FIN want an acknowledgement
    on('ack_wanted', () => {
      const seen = this.#segment(args.addr(1));
      args.retU32(seen !== undefined && (seen.data > 0 || (seen.flags & FIN) !== 0) ? 1 : 0);
    });
    on('ack_now', () => {
      const connection = this.#connections.of(args.addr(0));
      const now = !connection.pingpong && connection.quick > 0 && socks.state(args.addr(0)) === TCP.ESTABLISHED;
      if (now) connection.quick--;
      args.retU32(now ? 1 : 0);
    });
    on('delack_later', () => this.#ackLater(args.addr(0)));
    on('ack_due', () => args.retAddr(this.#connections.find(args.addr(0))?.ackDue === true ? args.addr(0) : 0));
    on('window_opened', () => {
      const connection = this.#connections.find(args.addr(0));
      // an acknowledgement that was put off goes when all was read, where it answers nothing
      const sends = connection?.ackDue === true && !connection.pingpong && args.lo(1) > 0;
      args.retU32(sends ? 1 : 0);
    });
    on('fin_acked', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      const state = socks.state(sk);
      const seen = this.#segment(skb);
      const acked =
        seen !== undefined &&
        (seen.flags & ACK) !== 0 &&
        !after(fields.get(sk, 'snd_nxt'), seen.ack) &&
        this.#finSent(sk);
      if (!acked) give(undefined);
      else if (state === TCP.FIN_WAIT1) give('tcp_fin_acked');
      else
        give(
          state === TCP.CLOSING ? 'tcp_fin_acked_closing' : state === TCP.LAST_ACK ? 'tcp_fin_acked_last' : undefined,
        );
    });
    on('still_open', () => {
      const sk = args.addr(0);
      const state = socks.state(sk);
      args.retAddr(state === TCP.FIN_WAIT1 || state === TCP.FIN_WAIT2 ? sk : 0);
    });
    on('reset_error', () => {
      const state = socks.state(args.addr(0));
      args.retU32(
        state === TCP.SYN_SENT ? ERRNO.ECONNREFUSED : state === TCP.CLOSE_WAIT ? ERRNO.EPIPE : ERRNO.ECONNRESET,
      );
    });
    on('sk_err', () => fields.setSock(args.addr(0), 'sk_err', args.lo(1)));
    on('alive', () => args.retAddr(args.addr(0) !== 0 && !orphan(args.addr(0)) ? args.addr(0) : 0));
    on('data_ready', () => {
      const sk = args.addr(0);
      args.retAddr(sk === 0 ? 0 : text.place(this.#net.psocks.dataReady(sk)));
    });

    // --- what tasks read ---
    on('recv_waits', () => {
      const [sk, flags] = [args.addr(0), args.lo(1)];
      const connection = this.#connections.find(sk);
      const empty = connection !== undefined && this.#inboxes.queue(sk).length === 0;
      const mayWait = !recorded.failed && (flags & MSG_DONTWAIT) === 0;
      args.retU32(empty && mayWait && socks.state(sk) === TCP.ESTABLISHED ? 1 : 0);
    });
    on('tcp_consume', () => args.retU32(this.#consume(args.addr(0), args.lo(1))));
    on('receive_queue_shift', () => {
      const sk = args.addr(0);
      const skb = this.#inboxes.queue(sk).shift();
      if (skb !== 0) this.#inboxes.charge(sk, -memory.readU32(skb + skbs.f.truesize));
      args.retAddr(skb);
    });
  }

  #doRcv(sk: Addr): 'tcp_v4_do_rcv' | 'tcp_v6_do_rcv' {
    return this.#net.socks.family(sk) === AF.INET6 ? 'tcp_v6_do_rcv' : 'tcp_v4_do_rcv';
  }
  /** What a segment says; its data begin with its header until it is queued. */
  #segment(skb: Addr): Segment | undefined {
    return readSegment(this.#net.skbs.bytes(skb));
  }
  /** Nobody has it: it came from outside, or the call that sent it was refused. */
  #isForNobody(skb: Addr, seen: Segment): boolean {
    const { kernel, devices, skbs } = this.#net;
    if (skbs.dev(skb) !== devices.lo.at) return true;
    const { call } = kernel.tasks.current;
    return (seen.flags & SYN) !== 0 && call?.name === 'connect' && kernel.recorded.lo === -ERRNO.ECONNREFUSED;
  }
  #fillCb(skb: Addr): void {
    if (skb === 0) return;
    const seen = this.#segment(skb);
    if (seen === undefined) return;
    const { kernel, skbs } = this.#net;
    const cb = kernel.structs.offsets('tcp_skb_cb', ['seq', 'end_seq', 'tcp_flags', 'ack_seq'] as const);
    const at = skb + skbs.f.cb;
    kernel.memory.writeU32(at + cb.seq, seen.seq);
    kernel.memory.writeU32(
      at + cb.end_seq,
      (seen.seq + seen.data + (seen.flags & SYN ? 1 : 0) + (seen.flags & FIN ? 1 : 0)) >>> 0,
    );
    kernel.memory.writeU8(at + cb.tcp_flags, seen.flags);
    kernel.memory.writeU32(at + cb.ack_seq, seen.ack);
  }

  /** tcp_rcv_state_process: by state, and by what the segment says. */
  #step(sk: Addr, skb: Addr): Callee {
    const { socks } = this.#net;
    const fields = this.#fields;
    const state = socks.state(sk);
    const seen = this.#segment(skb);
    if (seen === undefined) return '__kfree_skb';
    const { flags } = seen;
    if (state === TCP.LISTEN) return (flags & (SYN | ACK | RST)) === SYN ? 'tcp_step_listen' : '__kfree_skb';
    if (state === TCP.SYN_SENT) {
      if (flags & RST) return 'tcp_step_syn_sent_reset';
      if ((flags & (SYN | ACK)) !== (SYN | ACK)) return '__kfree_skb';
      fields.set(sk, 'rcv_nxt', seen.seq + 1);
      fields.set(sk, 'copied_seq', seen.seq + 1);
      fields.set(sk, 'rcv_wup', seen.seq + 1);
      this.#connections.of(sk).answered = true;
      return 'tcp_step_syn_sent';
    }
    if (state === TCP.CLOSE || state === TCP.TIME_WAIT) return '__kfree_skb';
    if (flags & RST) return 'tcp_step_reset';
    return state === TCP.SYN_RECV ? 'tcp_step_syn_recv' : 'tcp_step_closing';
  }
  #finSent(sk: Addr): boolean {
    return !this.#connections.of(sk).toSend.some((one) => one.flags & FIN);
  }

  /** `tcp_ack`: how many segments are acknowledged anew. */
  #acks(sk: Addr, skb: Addr): number {
    const seen = skb === 0 ? undefined : this.#segment(skb);
    if (seen === undefined || (seen.flags & ACK) === 0) return 0;
    const fields = this.#fields;
    const connection = this.#connections.of(sk);
    const una = fields.get(sk, 'snd_una');
    fields.add(sk, 'segs_in', 1);
    if (seen.timestamp !== 0) connection.tsRecent = seen.timestamp;
    fields.set(sk, 'snd_wnd', seen.flags & SYN ? seen.window : seen.window << WSCALE);
    if (!after(seen.ack, una)) return 0;
    fields.set(sk, 'snd_una', seen.ack);
    fields.addLong(sk, 'bytes_acked', (seen.ack - una) >>> 0);
    const acked = connection.unacknowledged.filter((one) => !after(one.end, seen.ack)).length;
    fields.add(sk, 'delivered', acked);
    return acked;
  }
  /** RFC 6298, as tcp_rtt_estimator keeps it: eighths of µs, quarters of deviation. */
  #sample(sk: Addr, rtt: number): void {
    const fields = this.#fields;
    const smoothed = fields.get(sk, 'srtt_us');
    if (rtt === 0) return;
    if (smoothed === 0) {
      fields.set(sk, 'srtt_us', rtt << 3);
      fields.set(sk, 'mdev_us', rtt << 1);
      return;
    }
    const error = rtt - (smoothed >>> 3);
    fields.set(sk, 'srtt_us', smoothed + error);
    const deviation = fields.get(sk, 'mdev_us');
    fields.set(sk, 'mdev_us', deviation + (Math.abs(error) - (deviation >>> 2)));
  }

  /** A segment with data, or FIN, in its place in the stream; true: the last one has taken it up. */
  #queue(sk: Addr, skb: Addr): boolean {
    const { skbs, kernel } = this.#net;
    const fields = this.#fields;
    const seen = this.#segment(skb) as Segment;
    skbs.push(skb, -seen.header);
    if (seen.timestamp !== 0) this.#connections.of(sk).tsRecent = seen.timestamp;
    fields.add(sk, 'rcv_nxt', seen.data + (seen.flags & FIN ? 1 : 0));
    if (seen.data > 0) fields.add(sk, 'data_segs_in', 1);
    // tcp_rcv_nxt_update counts what the sequence number grows by, FIN with it
    fields.addLong(sk, 'bytes_received', seen.data + (seen.flags & FIN ? 1 : 0));
    if (this.#net.psocks.takes(sk, skb)) return false;
    const queue = this.#inboxes.queue(sk);
    const size = kernel.memory.readU32(skb + skbs.f.truesize);
    if (queue.length > 0 && skbs.room(queue.last) >= seen.data) {
      if (seen.data > 0) skbs.put(queue.last, skbs.bytes(skb));
      return true;
    }
    queue.push(skb);
    kernel.memory.writeAddr(skb + skbs.f.sk, sk);
    this.#inboxes.charge(sk, size);
    return false;
  }
  #ackLater(sk: Addr): void {
    if (sk === 0) return;
    this.#connections.of(sk).ackDue = true;
    this.#net.kernel.sched.wheel.add(DELACK_NS, 'tcp_delack_timer_handler', sk);
  }

  /** What a call that received `result` bytes takes off the queue; how many they were. */
  #consume(sk: Addr, flags: number): number {
    const { kernel, skbs } = this.#net;
    const { recorded, memory } = kernel;
    const connection = this.#connections.find(sk);
    if (connection === undefined || recorded.failed || recorded.lo <= 0 || (flags & MSG_PEEK) !== 0) {
      if (connection && !recorded.failed && recorded.lo === 0) this.#dropEmpty(sk);
      return recorded.failed ? 0 : Math.max(0, recorded.lo);
    }
    const queue = this.#inboxes.queue(sk);
    let left = recorded.lo;
    this.#fields.add(sk, 'copied_seq', left);
    while (queue.length > 0 && left > 0) {
      const has = skbs.len(queue.first) - connection.readOff;
      if (has > left) {
        connection.readOff += left;
        break;
      }
      left -= has;
      connection.readOff = 0;
      const skb = queue.shift();
      this.#inboxes.charge(sk, -memory.readU32(skb + skbs.f.truesize));
      skbs.free(skb);
    }
    return recorded.lo;
  }
  /** FIN, which has no data, was seen by a call that got 0. */
  #dropEmpty(sk: Addr): void {
    const { skbs, kernel } = this.#net;
    const queue = this.#inboxes.queue(sk);
    while (queue.length > 0 && skbs.len(queue.first) === 0) {
      const skb = queue.shift();
      this.#inboxes.charge(sk, -kernel.memory.readU32(skb + skbs.f.truesize));
      skbs.free(skb);
    }
  }
}
const MSG_PEEK = 2;
const MSG_DONTWAIT = 0x40;
/** four bytes of a little-endian word */
const word = (n: number): Uint8Array => Uint8Array.of(n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24);
