/**
 * Which socket has which port: `udp_table` and the hash tables of TCP, over `struct sock` in guest memory
 * (bind(2), ip(7): net.ipv4.ip_local_port_range for those that bind none).
 */
import type { Addr } from '../../src/machine/addr.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import type { Flow } from './inet.ts';
import { swap16 } from './packet.ts';

const FIRST_PORT = 32_768;
const PORTS = 28_232;
const TCP_LISTEN = 10;

const SOCK = [
  ...(['__sk_common.skc_daddr', '__sk_common.skc_rcv_saddr', '__sk_common.skc_dport', '__sk_common.skc_num'] as const),
  ...(['__sk_common.skc_state', '__sk_common.skc_family', 'sk_protocol'] as const),
] as const;

export class Ports implements Stateful {
  readonly #kernel: ObjectFloor;
  readonly #f: { readonly [F in (typeof SOCK)[number] | 'sizeof']: number };
  readonly #inet: { readonly inet_sport: number; readonly inet_saddr: number; readonly inet_id: number };
  /** sockets with a port, in the order in which they got it */
  readonly #bound = new Set<Addr>();
  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.#f = kernel.structs.offsets('sock', SOCK);
    this.#inet = kernel.structs.offsets('inet_sock', ['inet_sport', 'inet_saddr', 'inet_id'] as const);
  }
  save() {
    return capture({ bound: this.#bound });
  }
  restore(state: ReturnType<Ports['save']>): void {
    state.back();
  }

  port(sk: Addr): number {
    return this.#kernel.memory.readU16(sk + this.#f['__sk_common.skc_num']);
  }
  /** `inet_bind`; port 0: one of the ephemeral ones */
  bind(sk: Addr, address: Uint8Array, port: number): void {
    const { memory } = this.#kernel;
    const number = port || this.#free(memory.readU16(sk + this.#f.sk_protocol));
    memory.writeU16(sk + this.#f['__sk_common.skc_num'], number);
    memory.writeU16(sk + this.#inet.inet_sport, swap16(number));
    memory.writeBytes(sk + this.#f['__sk_common.skc_rcv_saddr'], address);
    memory.writeBytes(sk + this.#inet.inet_saddr, address);
    this.#bound.add(sk);
  }
  /** What `bind` did is taken back. */
  unbind(sk: Addr): void {
    const { memory } = this.#kernel;
    memory.writeU16(sk + this.#f['__sk_common.skc_num'], 0);
    memory.writeU16(sk + this.#inet.inet_sport, 0);
    memory.writeU32(sk + this.#f['__sk_common.skc_rcv_saddr'], 0);
    memory.writeU32(sk + this.#inet.inet_saddr, 0);
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
  #free(protocol: number): number {
    const { random, memory } = this.#kernel;
    for (;;) {
      const port = FIRST_PORT + random.below(PORTS);
      let taken = false;
      for (const sk of this.#bound)
        if (this.port(sk) === port && memory.readU16(sk + this.#f.sk_protocol) === protocol) taken = true;
      if (!taken) return port;
    }
  }
  /** Own address and port of a socket that sends; it gets a port where it has none (`inet_autobind`). */
  local(sk: Addr, source: Uint8Array): { readonly address: Uint8Array; readonly port: number } {
    const { memory } = this.#kernel;
    if (this.port(sk) === 0) this.bind(sk, new Uint8Array(4), 0);
    else this.#bound.add(sk);
    const own = memory.readBytes(sk + this.#f['__sk_common.skc_rcv_saddr'], 4);
    return { address: own.some((byte) => byte !== 0) ? own : source, port: this.port(sk) };
  }
  /** `ip_select_ident` of a connected socket */
  nextId(sk: Addr): number {
    const { memory } = this.#kernel;
    const id = memory.readU32(sk + this.#inet.inet_id);
    memory.writeU32(sk + this.#inet.inet_id, id + 1);
    return id & 0xffff;
  }

  /** The socket that a packet of this flow is for; 0 where there is none: `__udp4_lib_lookup`, `__inet_lookup`. */
  lookup(protocol: number, { saddr, daddr, sport, dport }: Flow): Addr {
    const { memory } = this.#kernel;
    const f = this.#f;
    let best = 0;
    let most = -1;
    for (const sk of this.#bound) {
      if (memory.readU16(sk + f['__sk_common.skc_num']) !== dport) continue;
      if (memory.readU16(sk + f.sk_protocol) !== protocol) continue;
      let score = memory.readU16(sk + f['__sk_common.skc_family']) === 2 ? 2 : 1;
      const own = memory.readU32(sk + f['__sk_common.skc_rcv_saddr']);
      if (own !== 0) {
        if (own !== u32(daddr)) continue;
        score += 4;
      }
      const listens = memory.readU8(sk + f['__sk_common.skc_state']) === TCP_LISTEN;
      const peerPort = swap16(memory.readU16(sk + f['__sk_common.skc_dport']));
      if (peerPort !== 0 && !listens) {
        if (peerPort !== sport || memory.readU32(sk + f['__sk_common.skc_daddr']) !== u32(saddr)) continue;
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

/** as a little-endian word in memory holds it */
const u32 = (b: Uint8Array): number =>
  ((b[0] ?? 0) | ((b[1] ?? 0) << 8) | ((b[2] ?? 0) << 16) | ((b[3] ?? 0) << 24)) >>> 0;
