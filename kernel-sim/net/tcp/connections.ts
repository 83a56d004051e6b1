/** What a TCP socket has beside its structure: queues of buffers, when it acknowledges, whose answers it waits for. */
import type { Addr } from '../../../src/machine/addr.ts';
import { capture, type Stateful } from '../../core/state.ts';

/** A segment that waits to be sent, or to be acknowledged. */
export interface Outgoing {
  readonly skb: Addr;
  readonly flags: number;
  /** of data, bytes */
  readonly bytes: number;
  /** sequence number behind it, once it was sent */
  end: number;
  /** ns since boot */
  sentAt: number;
  /** segments that were delivered of the connection when it was sent */
  delivered: number;
}
export interface Connection {
  readonly toSend: Outgoing[];
  readonly unacknowledged: Outgoing[];
  /** read of the buffer at the head of the receive queue, bytes */
  readOff: number;
  /** segments that are acknowledged at once: TCP_MAX_QUICKACKS at first */
  quick: number;
  /** its algorithm of congestion control was told of it: icsk_ca_initialized */
  caInitialized: boolean;
  /** it answers what it receives, so that acknowledgements go with data: inet_csk_in_pingpong_mode */
  pingpong: boolean;
  /** when data came in last, ns since boot */
  receivedAt: number;
  /** round trip of what was acknowledged last, µs */
  rtt: number;
  /** segments that were delivered when that was sent */
  deliveredAtSend: number;
  /** the other end's timestamp, and whether it wants them */
  tsRecent: number;
  timestamps: boolean;
  /** no task holds it any more: SOCK_DEAD */
  orphan: boolean;
  /** its end was told of: TCP_CLOSE was reached and its structures are given back */
  destroyed: boolean;
  /** the other end is one of this kernel's sockets, which acknowledges */
  answered: boolean;
  /** an acknowledgement is due later */
  ackDue: boolean;
}
/** TCP_MAX_QUICKACKS, include/net/tcp.h */
const QUICKACKS = 16;

export class Connections implements Stateful {
  readonly #of = new Map<Addr, Connection>();
  save() {
    return capture({ of: this.#of });
  }
  restore(state: ReturnType<Connections['save']>): void {
    state.back();
  }
  find(sk: Addr): Connection | undefined {
    return this.#of.get(sk);
  }
  of(sk: Addr): Connection {
    let one = this.#of.get(sk);
    if (one === undefined) {
      one = {
        ...{
          toSend: [],
          unacknowledged: [],
          readOff: 0,
          quick: QUICKACKS,
          caInitialized: false,
          pingpong: false,
          receivedAt: 0,
          rtt: 0,
        },
        deliveredAtSend: 0,
        ...{ tsRecent: 0, timestamps: true, orphan: false, destroyed: false, answered: false, ackDue: false },
      };
      this.#of.set(sk, one);
    }
    return one;
  }
  delete(sk: Addr): void {
    this.#of.delete(sk);
  }
}
