/**
 * The other end of a connection where it is none of this kernel's sockets: a recording does not show what it answered, but
 * what calls return tells, at the latest then (RFC 9293 section 3.5).
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { ERRNO } from '../../core/errno.ts';
import { capture, type Stateful } from '../../core/state.ts';
import type { TraceArg } from '../../task/user-call.ts';
import type { NetParts, On } from '../parts.ts';
import { TCP } from '../socks.ts';
import type { Connections } from './connections.ts';

const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
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

type Answer = 'synack' | 'rst';

export class Outside implements Stateful {
  readonly #net: NetParts;
  readonly #connections: Connections;
  /** sockets whose SYN nobody here has answered */
  readonly #waiting = new Set<Addr>();

  constructor(net: NetParts, connections: Connections) {
    this.#net = net;
    this.#connections = connections;
  }
  save() {
    return capture({ waiting: this.#waiting });
  }
  restore(state: ReturnType<Outside['save']>): void {
    state.back();
  }
  closed(sk: Addr): void {
    this.#waiting.delete(sk);
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
      else if (socks.type(sk) === SOCK_DGRAM) give('ip4_datagram_connect');
      // a second connect() asks only what became of the first
      else if (socks.state(sk) !== TCP.CLOSE) give(undefined);
      else give(socks.family(sk) === 10 ? 'tcp_v6_connect' : 'tcp_v4_connect');
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
    on('tcp_answer', () => {
      const sk = args.addr(0);
      if (sk === 0 || !this.answers(sk)) return give(undefined);
      this.#waiting.delete(sk);
      give(this.#answer() === 'rst' ? 'tcp_reset' : 'tcp_finish_connect');
    });
  }

  /** What the running call tells of the answer. */
  #answer(): Answer | undefined {
    const { recorded, tasks } = this.#net.kernel;
    const { call } = tasks.current;
    if (call?.name === 'getsockopt')
      return call.args[1] && isInt(call.args[1], SOL_SOCKET) ? socketError(call.args) : undefined;
    if (!TELLING.has(call?.name ?? '')) return undefined;
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
