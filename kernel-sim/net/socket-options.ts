/**
 * Options of sockets that programs answer (socket(7), tcp(7)): a filter, a choice in a group, an algorithm of congestion
 * control. A recording names a program by a descriptor that is not there here; the one that is offered takes its place.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { decodeUtf8 } from '../../src/platform/index.ts';
import { TCP_CONGESTION } from '../../src/uapi/socket.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { TraceArg } from '../task/user-call.ts';
import type { NetParts, On } from './parts.ts';
import type { SocketFilters } from './socket-filter.ts';
import type { Congestion } from './tcp/congestion.ts';

const [SOL_SOCKET, SOL_TCP] = [1, 6];
const SO = { REUSEPORT: 15, DETACH_FILTER: 27, ATTACH_BPF: 50, ATTACH_REUSEPORT_EBPF: 52 } as const;
/** the options by which a socket gets a program */
export type Offer = 'filter' | 'reuseport';
interface Offered {
  readonly prog: Addr;
  /** it is a socket filter, whatever it is offered for */
  readonly isFilter: boolean;
}

export class SocketOptions implements Stateful {
  readonly #net: NetParts;
  readonly #filters: SocketFilters;
  readonly #congestion: Congestion;
  readonly #offers = new Map<Offer, Offered>();
  constructor(net: NetParts, filters: SocketFilters, congestion: Congestion) {
    this.#net = net;
    this.#filters = filters;
    this.#congestion = congestion;
  }
  save() {
    return capture({ offers: this.#offers });
  }
  restore(state: ReturnType<SocketOptions['save']>): void {
    state.back();
  }
  /** `prog`, a `struct bpf_prog`, is what sockets get that ask for one from now on. */
  offer(what: Offer, prog: Addr, isFilter: boolean): void {
    this.#offers.set(what, { prog, isFilter });
  }
  withdraw(what: Offer, prog: Addr): void {
    if (this.#offers.get(what)?.prog === prog) this.#offers.delete(what);
  }

  register(on: On): void {
    const { args, tasks } = this.#net.kernel;
    // an algorithm that this kernel has not is the recording's: the socket keeps its own
    on('congestion_asked', () => {
      const [sk, level, option] = [args.addr(0), args.lo(1), args.lo(2)];
      const asks = sk !== 0 && level === SOL_TCP && option === TCP_CONGESTION && !this.#net.kernel.recorded.failed;
      args.retAddr(asks ? this.#congestion.find(textOf(tasks.current.call?.args[3])) : 0);
    });
    on('sockopt_set', () => {
      const [sk, level, option] = [args.addr(0), args.lo(1), args.lo(2)];
      const value = tasks.current.call?.args[3];
      if (sk === 0 || this.#net.kernel.recorded.failed) return;
      if (level === SOL_SOCKET) this.#set(sk, option, value);
    });
  }
  #set(sk: Addr, option: number, value: TraceArg | undefined): void {
    const { reuseport } = this.#net;
    if (option === SO.REUSEPORT) reuseport.ask(sk, numberOf(value) !== 0);
    else if (option === SO.DETACH_FILTER) this.#filters.set(sk, 0);
    else if (option === SO.ATTACH_BPF) this.#filters.set(sk, this.#offers.get('filter')?.prog ?? 0);
    else if (option === SO.ATTACH_REUSEPORT_EBPF) {
      const offered = this.#offers.get('reuseport');
      reuseport.set(sk, offered?.prog ?? 0, offered?.isFilter ?? false);
    }
  }
}
const textOf = (value: TraceArg | undefined): string =>
  value?.kind === 'string' || value?.kind === 'bytes' ? decodeUtf8(value.bytes).replace(/\0.*$/, '') : '';
/** `[1]` as strace shows what a pointer leads to */
function numberOf(value: TraceArg | undefined): number {
  if (value?.kind === 'int') return value.lo;
  return value?.kind === 'opaque' ? Number(/^\[(\d+)\]$/.exec(value.text)?.[1] ?? 0) : 0;
}
