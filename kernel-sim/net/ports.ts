/**
 * Which socket has which port: `udp_table` and the hash tables of TCP, over `struct sock` in guest memory
 * (bind(2), ip(7): net.ipv4.ip_local_port_range for those that bind none).
 */

import type { Addr } from '../../src/machine/addr.ts';
import { equalBytes } from '../../src/platform/index.ts';
import { AF, TCP } from '../../src/uapi/socket.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Flow } from './inet.ts';
import { swap16 } from './packet.ts';
import { isZero, type Socks } from './socks.ts';

/** net.ipv4.ip_local_port_range: the first, and how many */
const [FIRST_PORT, PORTS] = [32_768, 28_232];

export class Ports implements Stateful {
  readonly #kernel: ObjectFloor;
  readonly #socks: Socks;
  readonly #inet: { readonly inet_sport: number; readonly inet_saddr: number; readonly inet_id: number };
  readonly #num: number;
  /** sockets with a port, in the order in which they got it */
  readonly #bound = new Set<Addr>();
  constructor(kernel: ObjectFloor, socks: Socks) {
    this.#kernel = kernel;
    this.#socks = socks;
    this.#num = socks.f['__sk_common.skc_num'];
    this.#inet = kernel.structs.offsets('inet_sock', ['inet_sport', 'inet_saddr', 'inet_id'] as const);
  }
  save() {
    return capture({ bound: this.#bound });
  }
  restore(state: ReturnType<Ports['save']>): void {
    state.back();
  }

  port(sk: Addr): number {
    return this.#socks.port(sk);
  }
  setPort(sk: Addr, port: number): void {
    const { memory } = this.#kernel;
    memory.writeU16(sk + this.#num, port);
    memory.writeU16(sk + this.#inet.inet_sport, swap16(port));
  }
  /** `inet_bind`; port 0: one of the ephemeral ones */
  bind(sk: Addr, address: Uint8Array, port: number): void {
    this.setPort(sk, port || this.#free(this.#socks.protocol(sk)));
    this.setOwn(sk, address);
    this.#bound.add(sk);
  }
  setOwn(sk: Addr, address: Uint8Array): void {
    this.#socks.setOwn(sk, address);
    if (address.length === 4) this.#kernel.memory.writeBytes(sk + this.#inet.inet_saddr, address);
  }
  /** What `bind` did is taken back. */
  unbind(sk: Addr): void {
    this.setPort(sk, 0);
    this.setOwn(sk, new Uint8Array(4));
    this.#bound.delete(sk);
  }
  /** It is found by its port from now on, whatever gave it one. */
  add(sk: Addr): void {
    this.#bound.add(sk);
  }
  remove(sk: Addr): void {
    this.#bound.delete(sk);
  }
  all(): Iterable<Addr> {
    return this.#bound;
  }
  has(sk: Addr): boolean {
    return this.#bound.has(sk);
  }
  /** Some port that nobody has asked for by its number. */
  ephemeral(): number {
    return FIRST_PORT + this.#kernel.random.below(PORTS);
  }
  #free(protocol: number): number {
    for (;;) {
      const port = this.ephemeral();
      let taken = false;
      for (const sk of this.#bound) if (this.port(sk) === port && this.#socks.protocol(sk) === protocol) taken = true;
      if (!taken) return port;
    }
  }
  /** Own address and port of a socket that sends; it gets a port where it has none (`inet_autobind`). */
  local(sk: Addr, source: Uint8Array): { readonly address: Uint8Array; readonly port: number } {
    if (this.port(sk) === 0) this.bind(sk, new Uint8Array(source.length), 0);
    else this.#bound.add(sk);
    const own = this.#socks.own(sk);
    return { address: isZero(own) ? source : own, port: this.port(sk) };
  }
  /** `ip_select_ident` of a connected socket */
  nextId(sk: Addr): number {
    const { memory } = this.#kernel;
    const id = memory.readU32(sk + this.#inet.inet_id);
    memory.writeU32(sk + this.#inet.inet_id, id + 1);
    return id & 0xffff;
  }

  /** The socket that a packet of this flow is for; 0 where there is none: `__udp4_lib_lookup`, `__inet_lookup`. */
  lookup(protocol: number, flow: Flow): Addr {
    return this.#best(protocol, flow, () => true);
  }
  /** one that is connected to where the packet is from: `__inet_lookup_established` */
  connected(protocol: number, flow: Flow): Addr {
    return this.#best(protocol, flow, (sk) => this.#isConnected(sk));
  }
  /** one that listens: `__inet_lookup_listener` */
  listener(protocol: number, flow: Flow): Addr {
    return this.#best(protocol, flow, (sk) => this.#socks.state(sk) === TCP.LISTEN);
  }
  #isConnected(sk: Addr): boolean {
    return this.#socks.peerPort(sk) !== 0 && this.#socks.state(sk) !== TCP.LISTEN;
  }
  #best(protocol: number, { saddr, daddr, sport, dport }: Flow, fits: (sk: Addr) => boolean): Addr {
    const { memory } = this.#kernel;
    const socks = this.#socks;
    let best = 0;
    let most = -1;
    for (const sk of this.#bound) {
      if (memory.readU16(sk + this.#num) !== dport || socks.protocol(sk) !== protocol || !fits(sk)) continue;
      // a socket of IPv4 has no packets of IPv6
      const isInet = socks.family(sk) === AF.INET;
      if (isInet && daddr.length !== 4) continue;
      let score = isInet ? 2 : 1;
      const own = socks.own(sk);
      if (!isZero(own)) {
        if (!equalBytes(own, daddr)) continue;
        score += 4;
      }
      if (this.#isConnected(sk)) {
        if (socks.peerPort(sk) !== sport || !equalBytes(socks.peer(sk), saddr)) continue;
        score += 8;
      }
      if (score > most) {
        best = sk;
        most = score;
      }
    }
    return best;
  }
}
