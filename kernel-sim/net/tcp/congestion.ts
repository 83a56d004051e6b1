/** Congestion control: the operations of a socket's algorithm, called where Linux calls them (`struct tcp_congestion_ops`, include/net/tcp.h). */
import type { Addr } from '../../../src/machine/addr.ts';
import { encodeUtf8 } from '../../../src/platform/index.ts';
import { TCP } from '../../../src/uapi/socket.ts';
import { KernelError } from '../../core/errno.ts';
import { capture, type Stateful } from '../../core/state.ts';
import { TCP_FLAG } from '../inet.ts';
import type { NetParts, On } from '../parts.ts';
import type { Connections } from './connections.ts';
import type { TcpFields } from './fields.ts';
import { readSegment } from './segment.ts';

/** What cubic, the default (net.ipv4.tcp_congestion_control), has of its own. */
const CUBIC = {
  ssthresh: 'cubictcp_recalc_ssthresh',
  cong_avoid: 'cubictcp_cong_avoid',
  set_state: 'cubictcp_state',
  cwnd_event: 'cubictcp_cwnd_event',
  pkts_acked: 'cubictcp_acked',
  init: 'cubictcp_init',
  undo_cwnd: 'tcp_reno_undo_cwnd',
} as const;
const OPS = [
  ...(['ssthresh', 'cong_avoid', 'set_state', 'cwnd_event', 'in_ack_event', 'pkts_acked', 'cong_control'] as const),
  ...(['undo_cwnd', 'init', 'release', 'name'] as const),
] as const;
type Op = Exclude<(typeof OPS)[number], 'name'>;
const NAME_MAX = 16;

export class Congestion implements Stateful {
  readonly #net: NetParts;
  readonly #connections: Connections;
  readonly #fields: TcpFields;
  /** `struct tcp_congestion_ops` by name */
  readonly #registered = new Map<string, Addr>();
  readonly #f: { readonly [F in (typeof OPS)[number] | 'sizeof']: number };
  readonly #caOps: number;
  constructor(net: NetParts, connections: Connections, fields: TcpFields) {
    this.#net = net;
    this.#connections = connections;
    this.#fields = fields;
    this.#f = net.kernel.structs.offsets('tcp_congestion_ops', OPS);
    this.#caOps = net.kernel.structs.of('inet_connection_sock').offset('icsk_ca_ops');
  }
  save() {
    return capture({ registered: this.#registered });
  }
  restore(state: ReturnType<Congestion['save']>): void {
    state.back();
  }

  /**
   * `tcp_register_congestion_control`: sockets may ask for it by its name from now on.
   * @throws KernelError EINVAL where it lacks what every algorithm has, EEXIST where its name is taken
   */
  add(ops: Addr): string {
    const { memory } = this.#net.kernel;
    const has = (op: Op): boolean => memory.readAddr(ops + this.#f[op]) !== 0;
    if (!has('ssthresh') || !has('undo_cwnd') || !(has('cong_avoid') || has('cong_control')))
      throw new KernelError('EINVAL', 'an algorithm has ssthresh, undo_cwnd, and cong_avoid or cong_control');
    const name = memory.readCString(ops + this.#f.name, NAME_MAX - 1);
    const text = String.fromCharCode(...name);
    if (text === '') throw new KernelError('EINVAL', 'an algorithm has a name');
    if (text === 'cubic' || text === 'reno' || this.#registered.has(text))
      throw new KernelError('EEXIST', `there is an algorithm ${text} already`);
    this.#registered.set(text, ops);
    return text;
  }
  remove(ops: Addr): void {
    for (const [name, at] of this.#registered) if (at === ops) this.#registered.delete(name);
  }
  /** TCP_CONGESTION of setsockopt. @throws KernelError ENOENT */
  choose(sk: Addr, name: string): void {
    const ops = name === 'cubic' ? this.#cubic() : this.#registered.get(name);
    if (ops === undefined) throw new KernelError('ENOENT', `no congestion control ${name}`);
    this.#net.kernel.memory.writeAddr(sk + this.#caOps, ops);
  }
  #cubic(): Addr {
    let at = this.#registered.get('cubic');
    if (at !== undefined) return at;
    const { slab, memory, text } = this.#net.kernel;
    at = slab.kmalloc(this.#f.sizeof);
    memory.writeBytes(at, new Uint8Array(this.#f.sizeof));
    for (const [op, name] of Object.entries(CUBIC)) memory.writeAddr(at + this.#f[op as Op], text.place(name));
    memory.writeBytes(at + this.#f.name, encodeUtf8('cubic'));
    this.#registered.set('cubic', at);
    return at;
  }
  /** The function of a socket's algorithm; 0 where it has none. */
  #op(sk: Addr, op: Op): Addr {
    const { memory } = this.#net.kernel;
    if (sk === 0) return 0;
    if (memory.readAddr(sk + this.#caOps) === 0) memory.writeAddr(sk + this.#caOps, this.#cubic());
    return memory.readAddr(memory.readAddr(sk + this.#caOps) + this.#f[op]);
  }

  register(on: On): void {
    const { kernel, socks, skbs } = this.#net;
    const { args, memory, text } = kernel;
    text.maker.mayCall(Object.values(CUBIC));
    const when = (name: string, op: Op, is: () => boolean = () => true): void =>
      on(name, () => args.retAddr(is() ? this.#op(args.addr(0), op) : 0));
    when('ca_init', 'init');
    when('ca_release', 'release', () => this.#connections.find(args.addr(0)) !== undefined);
    when('ca_set_state', 'set_state');
    when('ca_in_ack_event', 'in_ack_event');
    when('ca_cong_control', 'cong_control', () => args.u32(1) > 0);
    // what carries data, or FIN, is what the window grows by; SYN is not
    when('ca_cong_avoid', 'cong_avoid', () => {
      const [sk, n] = [args.addr(0), args.u32(2)];
      return (
        n > 0 &&
        this.#op(sk, 'cong_control') === 0 &&
        socks.state(sk) !== TCP.SYN_SENT &&
        socks.state(sk) !== TCP.SYN_RECV
      );
    });
    // struct ack_sample: pkts_acked, rtt_us, in_flight
    on('ca_pkts_acked', () => {
      const [sk, n, sample] = [args.addr(0), args.u32(1), args.addr(2)];
      memory.writeU32(sample, n);
      memory.writeU32(sample + 4, this.#connections.of(sk).rtt);
      memory.writeU32(sample + 8, this.#fields.get(sk, 'packets_out'));
      args.retAddr(this.#op(sk, 'pkts_acked'));
    });
    // the first data after a pause: CA_EVENT_TX_START
    on('ca_tx_start', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      const seen = skb === 0 ? undefined : readSegment(skbs.bytes(skb));
      const starts = seen !== undefined && seen.data > 0 && (seen.flags & TCP_FLAG.SYN) === 0;
      args.retAddr(starts && this.#fields.get(sk, 'packets_out') === 0 ? this.#op(sk, 'cwnd_event') : 0);
    });
  }
}
