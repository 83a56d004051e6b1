/**
 * How a TCP socket gets connected (RFC 9293 section 3.5; include/net/tcp_states.h): connect() sends SYN; the answer, SYN-ACK
 * or RST, waits in the socket's backlog until the caller gives the socket free, or comes later where the caller does not
 * wait for it. A recording does not show the answer, but what calls return tells which it was, at the latest then.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { ERRNO } from '../core/errno.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { TraceArg } from '../task/user-call.ts';

export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_CLOSE = 7;
export const TCP_LISTEN = 10;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const FIRST_PORT = 32_768;
/** net.ipv4.ip_local_port_range */
const PORTS = 28_232;

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

type Answer = 'synack' | 'rst';

export class TcpConnect {
  readonly #kernel: ObjectFloor;
  /** the socket of a descriptor */
  readonly #socket: (fd: number) => Addr;

  constructor(kernel: ObjectFloor, socket: (fd: number) => Addr) {
    this.#kernel = kernel;
    this.#socket = socket;
  }

  register(on: (name: string, handler: () => void) => void): void {
    const { args, memory, structs, text, recorded, random } = this.#kernel;
    const sock = structs.of('sock');
    const socket = structs.of('socket');
    const field = (sk: Addr, name: string): Addr => sk + sock.offset(name);
    const state = (sk: Addr): number => memory.readU8(field(sk, '__sk_common.skc_state'));
    const six = (sk: Addr): boolean => memory.readU16(field(sk, '__sk_common.skc_family')) === AF_INET6;
    const backlog = 'sk_backlog.tail';
    const give = (name: string | undefined): void => args.retAddr(name === undefined ? 0 : text.place(name));

    on('connect_proto', () => {
      const sk = args.addr(0);
      if (sk === 0) give(undefined);
      else if (memory.readU16(field(sk, 'sk_type')) === SOCK_DGRAM) give('ip4_datagram_connect');
      // a second connect() asks only what became of the first
      else give(state(sk) !== TCP_CLOSE ? undefined : six(sk) ? 'tcp_v6_connect' : 'tcp_v4_connect');
    });
    on('routed', () => args.retU32(NOT_SENT.includes(-recorded.lo) && recorded.failed ? 0 : 1));
    on('connect_begun', () => (args.lo(0) !== 0 ? args.ret(0, 0) : args.ret(recorded.lo, recorded.hi)));
    on('local_port', () =>
      memory.writeU16(field(args.addr(0), '__sk_common.skc_num'), FIRST_PORT + random.below(PORTS)),
    );
    // what is not null stands for the segment that will be there
    on('syn_sent', () => memory.writeAddr(field(args.addr(0), backlog), field(args.addr(0), backlog)));
    on('connect_waits', () => {
      const sk = args.addr(0);
      args.retU32(sk !== 0 && state(sk) === TCP_SYN_SENT && recorded.lo !== -ERRNO.EINPROGRESS ? 1 : 0);
    });
    on('answered', () => {
      const s = this.#socket(args.lo(0));
      const sk = s === 0 ? 0 : memory.readAddr(s + socket.offset('sk'));
      args.retAddr(sk !== 0 && state(sk) === TCP_SYN_SENT ? sk : 0);
    });
    on('backlog_rcv', () => {
      const sk = args.addr(0);
      if (sk === 0 || this.#answer() === undefined) give(undefined);
      else give(six(sk) ? 'tcp_v6_do_rcv' : 'tcp_v4_do_rcv');
    });
    on('tcp_answer', () => {
      const sk = args.addr(0);
      memory.writeAddr(field(sk, backlog), 0);
      if (state(sk) === TCP_SYN_SENT) give(this.#answer() === 'rst' ? 'tcp_reset' : 'tcp_finish_connect');
      else give(undefined);
    });
  }

  /** What the running call tells of the answer. */
  #answer(): Answer | undefined {
    const { recorded, tasks } = this.#kernel;
    const { call } = tasks.current;
    if (call?.name === 'getsockopt')
      return call.args[1] && isInt(call.args[1], SOL_SOCKET) ? socketError(call.args) : undefined;
    if (!recorded.failed || recorded.lo === -ERRNO.EISCONN) return 'synack';
    return UNANSWERED.includes(-recorded.lo) ? undefined : 'rst';
  }
}

const isInt = (arg: TraceArg | undefined, value: number): boolean => arg?.kind === 'int' && arg.lo === value;

/** `getsockopt(4, SOL_SOCKET, SO_ERROR, [ECONNREFUSED], [4])` */
function socketError(args: readonly TraceArg[]): Answer | undefined {
  const value = args[3];
  if (!isInt(args[2], SO_ERROR) || value?.kind !== 'opaque') return undefined;
  if (value.text === '[0]') return 'synack';
  return /INPROGRESS|ALREADY/.test(value.text) ? undefined : 'rst';
}
