/** Congestion control: the operations of a socket's algorithm, called where Linux calls them (`struct tcp_congestion_ops`, include/net/tcp.h). */
import type { Addr } from '../../../src/machine/addr.ts';
import { encodeUtf8 } from '../../../src/platform/index.ts';
import { TCP } from '../../../src/uapi/socket.ts';
import { KernelError } from '../../core/errno.ts';
import { GuestStruct } from '../../core/guest-struct.ts';
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

/** What keeps an algorithm of a program's while sockets use it. */
interface Owner {
  get(): unknown;
  put(): void;
}
const BUILT_IN: ReadonlySet<string> = new Set(['cubic', 'reno']);

export class Congestion implements Stateful {
  readonly #net: NetParts;
  readonly #connections: Connections;
  readonly #fields: TcpFields;
  /** `struct tcp_congestion_ops` by name */
  readonly #registered = new Map<string, Addr>();
  /** of those that are no longer registered, too, while sockets have them */
  readonly #owners = new Map<Addr, Owner>();
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
    return capture({ registered: this.#registered, owners: this.#owners });
  }
  restore(state: ReturnType<Congestion['save']>): void {
    state.back();
  }

  /** `tcp_validate_congestion_control`. @throws KernelError EINVAL where it lacks what every algorithm has */
  validate(ops: Addr): void {
    const { memory } = this.#net.kernel;
    const has = (op: Op): boolean => memory.readAddr(ops + this.#f[op]) !== 0;
    if (!has('ssthresh') || !has('undo_cwnd') || !(has('cong_avoid') || has('cong_control')))
      throw new KernelError('EINVAL', 'an algorithm has ssthresh, undo_cwnd, and cong_avoid or cong_control');
  }
  /** `tcp_register_congestion_control`: sockets may ask for it by its name from now on. @throws KernelError EINVAL, EEXIST */
  add(ops: Addr, owner: Owner): void {
    this.validate(ops);
    const name = this.#nameOf(ops);
    if (BUILT_IN.has(name) || this.#registered.has(name))
      throw new KernelError('EEXIST', `there is an algorithm ${name} already`);
    this.#registered.set(name, ops);
    this.#owners.set(ops, owner);
  }
  /** `tcp_unregister_congestion_control`: sockets that have it keep it. */
  remove(ops: Addr): void {
    for (const [name, at] of this.#registered) if (at === ops) this.#registered.delete(name);
  }
  /** `tcp_update_congestion_control`: what is asked for by its name from now on. @throws KernelError EINVAL for another name */
  replace(ops: Addr, old: Addr, owner: Owner): void {
    this.validate(ops);
    const name = this.#nameOf(ops);
    if (this.#registered.get(name) !== old) throw new KernelError('EINVAL', `the link has no algorithm ${name}`);
    this.#registered.set(name, ops);
    this.#owners.set(ops, owner);
  }
  #nameOf(ops: Addr): string {
    return String.fromCharCode(...this.#net.kernel.memory.readCString(ops + this.#f.name, NAME_MAX - 1));
  }
  /** The name of a socket's algorithm. */
  name(sk: Addr): string {
    return this.#nameOf(this.#opsOf(sk));
  }
  /** `tcp_ca_find`; 0 where there is none of this name. */
  find(name: string): Addr {
    return name === 'cubic' ? this.#cubic() : (this.#registered.get(name) ?? 0);
  }
  /** A socket has this algorithm from now on. */
  assign(sk: Addr, ops: Addr): void {
    this.leave(sk);
    this.#owners.get(ops)?.get();
    this.#net.kernel.memory.writeAddr(sk + this.#caOps, ops);
  }
  /** A socket has none any more. */
  leave(sk: Addr): void {
    const { memory } = this.#net.kernel;
    const ops = memory.readAddr(sk + this.#caOps);
    if (ops === 0) return;
    memory.writeAddr(sk + this.#caOps, 0);
    this.#owners.get(ops)?.put();
  }
  #opsOf(sk: Addr): Addr {
    const { memory } = this.#net.kernel;
    if (memory.readAddr(sk + this.#caOps) === 0) this.assign(sk, this.#cubic());
    return memory.readAddr(sk + this.#caOps);
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
    return sk === 0 ? 0 : this.#net.kernel.memory.readAddr(this.#opsOf(sk) + this.#f[op]);
  }

  register(on: On): void {
    const { kernel, socks, skbs } = this.#net;
    const { args, memory, text } = kernel;
    text.maker.mayCall(Object.values(CUBIC));
    const when = (name: string, op: Op, is: () => boolean = () => true): void =>
      on(name, () => args.retAddr(is() ? this.#op(args.addr(0), op) : 0));
    when('ca_init', 'init');
    when('ca_release', 'release');
    on('ca_left', () => this.leave(args.addr(0)));
    on('ca_assign', () => this.assign(args.addr(0), args.addr(1)));
    // what is not connected is told of its algorithm once it is
    on('ca_begins', () => {
      const state = socks.state(args.addr(0));
      args.retAddr(state === TCP.CLOSE || state === TCP.LISTEN ? 0 : args.addr(0));
    });
    on('ca_uninitialized', () => args.retAddr(this.#connections.of(args.addr(0)).caInitialized ? 0 : args.addr(0)));
    on('ca_initialized', () => {
      this.#connections.of(args.addr(0)).caInitialized = true;
    });
    // a copy of the socket that listens has its algorithm
    on('ca_inherited', () => {
      const sk = args.addr(0);
      const ops = memory.readAddr(sk + this.#caOps);
      memory.writeAddr(sk + this.#caOps, 0);
      if (ops !== 0) this.assign(sk, ops);
    });
    when('ca_set_state', 'set_state');
    when('ca_in_ack_event', 'in_ack_event');
    // (sk, segments, sample): struct rate_sample
    on('ca_cong_control', () => {
      const [sk, n] = [args.addr(0), args.u32(1)];
      if (n > 0) this.#rateSample(sk, n, args.addr(2));
      args.retAddr(n > 0 ? this.#op(sk, 'cong_control') : 0);
    });
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
    on('ca_pkts_acked', () => {
      const [sk, n, sample] = [args.addr(0), args.u32(1), args.addr(2)];
      new GuestStruct(kernel, 'ack_sample', sample)
        .set('pkts_acked', n)
        .set('rtt_us', this.#connections.of(sk).rtt)
        .set('in_flight', this.#fields.get(sk, 'packets_out'));
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

  /** `tcp_rate_gen`: what was delivered since the segment was sent that was acknowledged last, and in which time. */
  #rateSample(sk: Addr, acked: number, at: Addr): void {
    const { kernel } = this.#net;
    const { rtt, deliveredAtSend } = this.#connections.of(sk);
    new GuestStruct(kernel, 'rate_sample', at)
      .set('delivered', this.#fields.get(sk, 'delivered') - deliveredAtSend)
      .set('acked_sacked', acked)
      .set('prior_delivered', deliveredAtSend)
      .set('prior_in_flight', this.#fields.get(sk, 'packets_out') + acked)
      .set('interval_us', rtt)
      .set('rtt_us', rtt);
  }
}
