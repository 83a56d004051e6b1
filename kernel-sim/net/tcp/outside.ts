/**
 * The other end of a connection where it is none of this kernel's sockets: a recording does not show what it answered, but
 * what calls return tells, at the latest then (RFC 9293 section 3.5).
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { AF, IPPROTO, SOCK, SOL, TCP } from '../../../src/uapi/socket.ts';
import { ERRNO } from '../../core/errno.ts';
import { capture, type Stateful } from '../../core/state.ts';
import type { TraceArg } from '../../task/user-call.ts';
import { etherType, type Flow, get16, networkHeader, put16, reversed, TCP_FLAG } from '../inet.ts';
import { ETH_HLEN } from '../packet.ts';
import type { NetParts, On } from '../parts.ts';
import { isZero, unmapped } from '../socks.ts';
import type { Connections } from './connections.ts';
import type { TcpFields } from './fields.ts';
import { type Header, writeHeader } from './segment.ts';

const SO_ERROR = 4;

/** found before anything is sent */
const NOT_SENT: readonly number[] = [
  ERRNO.EPERM,
  ERRNO.EACCES,
  ERRNO.EINVAL,
  ERRNO.EAFNOSUPPORT,
  ERRNO.EADDRNOTAVAIL,
  ERRNO.ENETUNREACH,
];
/** the call does not know the answer */
const UNANSWERED: readonly number[] = [
  ERRNO.EINPROGRESS,
  ERRNO.EALREADY,
  ERRNO.EAGAIN,
  ERRNO.EINTR,
  ERRNO.ENOTCONN,
  ERRNO.ERESTARTSYS,
];

/** calls whose result tells whether their socket is connected */
const TELLING: ReadonlySet<string> = new Set([
  ...['connect', 'send', 'sendto', 'sendmsg', 'sendmmsg', 'write', 'writev', 'sendfile', 'splice'],
  ...['recv', 'recvfrom', 'recvmsg', 'recvmmsg', 'read', 'readv', 'getpeername'],
]);

/** what goes into one buffer on its way in */
const MOST_SEGMENT = 65_160;

/** What the other end sends next. */
interface Pending {
  /** bytes */
  data: number;
  readonly fin: boolean;
  /** only an acknowledgement */
  readonly ack: boolean;
}

/** An end that is outside connects to a socket here. */
interface Calling {
  readonly flow: Flow;
  readonly seq: number;
  isSynSent: boolean;
}
const flowKey = ({ saddr, daddr, sport, dport }: Flow): string => `${saddr} ${sport} ${daddr} ${dport}`;

type Answer = 'synack' | 'rst';

export class Outside implements Stateful {
  readonly #net: NetParts;
  readonly #connections: Connections;
  /** sockets whose SYN nobody here has answered */
  readonly #waiting = new Set<Addr>();
  /** what the other end sends next */
  readonly #pending = new Map<Addr, Pending>();
  /** those that connect to a socket that listens, by that */
  readonly #calling = new Map<Addr, Calling>();
  /** flows of connections that are not accepted yet */
  readonly #callers = new Set<string>();
  readonly #fields: TcpFields;
  readonly #requests: { answerOf(flow: Flow): number | undefined };

  /** `requests`: what answers a SYN */
  constructor(
    net: NetParts,
    connections: Connections,
    fields: TcpFields,
    requests: { answerOf(flow: Flow): number | undefined },
  ) {
    this.#net = net;
    this.#connections = connections;
    this.#fields = fields;
    this.#requests = requests;
  }
  save() {
    return capture({
      waiting: this.#waiting,
      pending: this.#pending,
      calling: this.#calling,
      callers: this.#callers,
    });
  }
  restore(state: ReturnType<Outside['save']>): void {
    state.back();
  }
  closed(sk: Addr): void {
    this.#waiting.delete(sk);
    this.#pending.delete(sk);
    this.#calling.delete(sk);
  }
  #isOutside(sk: Addr): boolean {
    return sk !== 0 && this.#connections.find(sk)?.answered === false;
  }
  /** Whether the other end answers a socket's SYN now, as the running call tells. */
  answers(sk: Addr): boolean {
    return this.#waiting.has(sk) && this.#answer() !== undefined;
  }

  register(on: On): void {
    const { kernel, socks, skbs } = this.#net;
    const { args, memory, structs, text, recorded, files, tasks } = kernel;
    const give = (name: string | undefined): void => args.retAddr(name === undefined ? 0 : text.place(name));

    on('connect_proto', () => {
      const sk = args.addr(0);
      if (sk === 0) give(undefined);
      else if (socks.type(sk) === SOCK.DGRAM) give('ip4_datagram_connect');
      // a second connect() asks only what became of the first
      else if (socks.state(sk) !== TCP.CLOSE) give(undefined);
      else give(socks.family(sk) === AF.INET6 ? 'tcp_v6_connect' : 'tcp_v4_connect');
    });
    on('routed', () => args.retU32(NOT_SENT.includes(-recorded.lo) && recorded.failed ? 0 : 1));
    on('connect_begun', () => (args.lo(0) !== 0 ? args.ret(0, 0) : args.ret(recorded.lo, recorded.hi)));
    // SYN has left: a socket here, or nobody, has it answered already, or it went to one that is not here
    on('syn_sent', () => {
      const sk = args.addr(0);
      if (sk === 0 || this.#net.isBacklogged(sk)) return;
      const connection = this.#connections.of(sk);
      connection.answered = false;
      for (const { skb } of connection.unacknowledged.splice(0)) skbs.free(skb);
      this.#waiting.add(sk);
    });
    on('connect_waits', () => {
      const sk = args.addr(0);
      args.retU32(sk !== 0 && socks.state(sk) === TCP.SYN_SENT && recorded.lo !== -ERRNO.EINPROGRESS ? 1 : 0);
    });
    // connect() that failed leaves a socket that can connect again
    on('connect_failed', () => {
      const sk = args.addr(0);
      const failed = sk !== 0 && recorded.failed && recorded.lo === -ERRNO.ECONNREFUSED;
      give(failed && socks.state(sk) === TCP.CLOSE ? 'tcp_disconnect' : undefined);
    });
    on('answered', () => {
      const file = files.get(tasks.current, args.lo(0));
      const socket = file === 0 ? 0 : memory.readAddr(file + structs.of('file').offset('private_data'));
      const sk = socket === 0 ? 0 : memory.readAddr(socket + structs.of('socket').offset('sk'));
      args.retAddr(sk !== 0 && this.#waiting.has(sk) ? sk : 0);
    });
    // accepted, and not from here
    on('tcp_accepted', () => {
      const sk = args.addr(0);
      if (sk === 0 || !this.#callers.delete(flowKey(reversed(socks.flow(sk))))) return;
      this.#connections.of(sk).answered = false;
    });
    // a connection that accept() gives, and that nobody here has begun
    on('outside_connects', () => {
      const [sk, waits] = [args.addr(0), args.lo(1) !== 0];
      const flow = waits ? this.#caller(sk) : undefined;
      if (flow === undefined) return give(undefined);
      this.#calling.set(sk, { flow, seq: kernel.random.u32() >>> 0, isSynSent: false });
      this.#callers.add(flowKey(flow));
      give('tcp_outside_sends');
    });
    // what a call has received has come in by then
    on('outside_sends', () => {
      const sk = args.addr(0);
      if (args.lo(1) === 0 || !this.#isOutside(sk) || socks.peerPort(sk) === 0) return give(undefined);
      this.#pending.set(sk, { data: Math.max(0, recorded.lo), fin: recorded.lo === 0, ack: false });
      give('tcp_outside_sends');
    });
    // it closes when this end does, or acknowledges that
    on('outside_closes', () => {
      const sk = args.addr(0);
      const state = this.#isOutside(sk) ? socks.state(sk) : TCP.CLOSE;
      const [first, last] = [state === TCP.FIN_WAIT1 || state === TCP.FIN_WAIT2, state === TCP.LAST_ACK];
      if (!first && !last) return give(undefined);
      this.#pending.set(sk, { data: 0, fin: first, ack: last });
      give('tcp_outside_sends');
    });
    on('outside_segment', () => args.retAddr(this.#next(args.addr(0))));
    on('tcp_answer', () => {
      const sk = args.addr(0);
      if (sk === 0 || !this.answers(sk)) return give(undefined);
      this.#waiting.delete(sk);
      give(this.#answer() === 'rst' ? 'tcp_reset' : 'tcp_finish_connect');
    });
  }

  /** Who connects, as the address that accept() has given says; without one somebody on this machine. */
  #caller(sk: Addr): Flow | undefined {
    const { kernel, socks, devices, ports } = this.#net;
    const given = kernel.tasks.current.call?.args[1];
    const bytes = given?.kind === 'bytes' ? given.bytes : undefined;
    const own = socks.own(sk);
    const family = bytes && bytes.length >= 8 ? (bytes[0] as number) | ((bytes[1] as number) << 8) : 0;
    const address =
      family === AF.INET
        ? bytes?.slice(4, 8)
        : family === AF.INET6
          ? unmapped((bytes as Uint8Array).slice(8, 24))
          : isZero(own)
            ? Uint8Array.of(127, 0, 0, 1)
            : own;
    if (address === undefined || address.length < 4) return undefined;
    const sport = family === 0 ? ports.ephemeral() : get16(bytes as Uint8Array, 2);
    const daddr = isZero(own) ? devices.route(address).source : own;
    return { saddr: address, daddr, sport, dport: socks.port(sk) };
  }

  /** What its next segment is: SYN and what completes it, data that a call has received, FIN where one saw the end or this end has closed. */
  #next(sk: Addr): Addr {
    const { socks } = this.#net;
    const calling = this.#calling.get(sk);
    if (calling !== undefined) return this.#handshake(sk, calling);
    const pending = this.#pending.get(sk);
    if (pending === undefined) return 0;
    const data = Math.min(pending.data, MOST_SEGMENT);
    pending.data -= data;
    const ends = pending.data === 0 && pending.fin;
    if (pending.data === 0) this.#pending.delete(sk);
    if (data === 0 && !ends && !pending.ack) return 0;
    const [seq, ack] = [this.#fields.get(sk, 'rcv_nxt'), this.#fields.get(sk, 'snd_nxt')];
    const flags = TCP_FLAG.ACK | (data > 0 ? TCP_FLAG.PSH : 0) | (ends ? TCP_FLAG.FIN : 0);
    return this.#arrives(reversed(socks.flow(sk)), { seq, ack, flags }, data);
  }
  #handshake(sk: Addr, calling: Calling): Addr {
    const { flow, seq } = calling;
    if (!calling.isSynSent) {
      calling.isSynSent = true;
      return this.#arrives(flow, { seq, ack: 0, flags: TCP_FLAG.SYN }, 0);
    }
    this.#calling.delete(sk);
    const answer = this.#requests.answerOf(flow);
    return answer === undefined ? 0 : this.#arrives(flow, { seq: seq + 1, ack: answer + 1, flags: TCP_FLAG.ACK }, 0);
  }
  /** A segment as a frame at the device that the way back leads to. */
  #arrives(flow: Flow, numbers: Pick<Header, 'seq' | 'ack' | 'flags'>, data: number): Addr {
    const { skbs, devices } = this.#net;
    const header = writeHeader(flow, { ...numbers, window: 512, timestamp: { value: 1, echo: 1 }, mss: 1460 }, data);
    const length = header.length + data;
    const ip = networkHeader(flow, IPPROTO.TCP, length);
    const { device } = devices.route(flow.saddr);
    const link = new Uint8Array(ETH_HLEN);
    link.set(device.mac);
    link.set(this.#net.neighbour(device, flow.saddr), 6);
    put16(link, 12, etherType(flow));
    const skb = skbs.alloc(64, link.length + ip.length + length);
    for (const part of [link, ip, header, new Uint8Array(data)]) skbs.put(skb, part);
    skbs.setDev(skb, device.at);
    return skb;
  }

  /** What the running call tells of the answer. */
  #answer(): Answer | undefined {
    const { recorded, tasks } = this.#net.kernel;
    const { call } = tasks.current;
    if (call?.name === 'getsockopt')
      return call.args[1] && isInt(call.args[1], SOL.SOCKET) ? socketError(call.args) : undefined;
    if (!TELLING.has(call?.name ?? '')) return undefined;
    if (!recorded.failed || recorded.lo === -ERRNO.EISCONN) return 'synack';
    return UNANSWERED.includes(-recorded.lo) ? undefined : 'rst';
  }
}

const isInt = (arg: TraceArg | undefined, value: number): boolean => arg?.kind === 'int' && arg.lo === value;

/** `getsockopt(4, SOL.SOCKET, SO_ERROR, [ECONNREFUSED], [4])` */
function socketError(args: readonly TraceArg[]): Answer | undefined {
  const value = args[3];
  if (!isInt(args[2], SO_ERROR) || value?.kind !== 'opaque') return undefined;
  if (value.text === '[0]') return 'synack';
  return /INPROGRESS|ALREADY/.test(value.text) ? undefined : 'rst';
}
