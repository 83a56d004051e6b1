/** What the network reads and writes of a `struct sock`, by field: family, ends, state (include/net/sock.h). Addresses are 4 bytes, or 16. */
import type { Addr } from '../../src/machine/addr.ts';
import { AF } from '../../src/uapi/socket.ts';
import type { Ground } from '../floors/ground.ts';
import type { Flow } from './inet.ts';
import { swap16 } from './packet.ts';

const FIELDS = [
  ...(['__sk_common.skc_daddr', '__sk_common.skc_rcv_saddr', '__sk_common.skc_dport', '__sk_common.skc_num'] as const),
  ...(['__sk_common.skc_v6_daddr', '__sk_common.skc_v6_rcv_saddr'] as const),
  ...(['__sk_common.skc_state', '__sk_common.skc_family', 'sk_type', 'sk_protocol'] as const),
] as const;

/** `::ffff:0:0/96`: an IPv4 address in a socket of IPv6 (RFC 4291 section 2.5.5.2) */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

export const isZero = (address: Uint8Array): boolean => address.every((byte) => byte === 0);
/** The IPv4 address that a mapped one stands for; others as they are. */
export const unmapped = (address: Uint8Array): Uint8Array =>
  address.length === 16 && MAPPED.every((byte, n) => address[n] === byte) ? address.subarray(12) : address;
const mapped = (address: Uint8Array): Uint8Array => Uint8Array.of(...MAPPED, ...address);

export class Socks {
  readonly #kernel: Ground;
  readonly f: { readonly [F in (typeof FIELDS)[number] | 'sizeof']: number };
  constructor(kernel: Ground) {
    this.#kernel = kernel;
    this.f = kernel.structs.offsets('sock', FIELDS);
  }
  state(sk: Addr): number {
    return this.#kernel.memory.readU8(sk + this.f['__sk_common.skc_state']);
  }
  family(sk: Addr): number {
    return this.#kernel.memory.readU16(sk + this.f['__sk_common.skc_family']);
  }
  protocol(sk: Addr): number {
    return this.#kernel.memory.readU16(sk + this.f.sk_protocol);
  }
  type(sk: Addr): number {
    return this.#kernel.memory.readU16(sk + this.f.sk_type);
  }
  /** own port, 0 where it has none */
  port(sk: Addr): number {
    return this.#kernel.memory.readU16(sk + this.f['__sk_common.skc_num']);
  }
  peerPort(sk: Addr): number {
    return swap16(this.#kernel.memory.readU16(sk + this.f['__sk_common.skc_dport']));
  }
  setPeerPort(sk: Addr, port: number): void {
    this.#kernel.memory.writeU16(sk + this.f['__sk_common.skc_dport'], swap16(port));
  }
  /** own address, of the IPv4 kind where a socket of IPv6 has a mapped one; zeros: any */
  own(sk: Addr): Uint8Array {
    return this.#address(sk, '__sk_common.skc_rcv_saddr', '__sk_common.skc_v6_rcv_saddr');
  }
  peer(sk: Addr): Uint8Array {
    return this.#address(sk, '__sk_common.skc_daddr', '__sk_common.skc_v6_daddr');
  }
  setOwn(sk: Addr, address: Uint8Array): void {
    this.#setAddress(sk, '__sk_common.skc_rcv_saddr', '__sk_common.skc_v6_rcv_saddr', address);
  }
  setPeer(sk: Addr, address: Uint8Array): void {
    this.#setAddress(sk, '__sk_common.skc_daddr', '__sk_common.skc_v6_daddr', address);
  }
  /** both ends, as what it sends has them */
  flow(sk: Addr): Flow {
    return { saddr: this.own(sk), daddr: this.peer(sk), sport: this.port(sk), dport: this.peerPort(sk) };
  }
  #address(sk: Addr, v4: (typeof FIELDS)[number], v6: (typeof FIELDS)[number]): Uint8Array {
    const { memory } = this.#kernel;
    return this.family(sk) === AF.INET6
      ? unmapped(memory.readBytes(sk + this.f[v6], 16))
      : memory.readBytes(sk + this.f[v4], 4);
  }
  #setAddress(sk: Addr, v4: (typeof FIELDS)[number], v6: (typeof FIELDS)[number], address: Uint8Array): void {
    const { memory } = this.#kernel;
    if (address.length === 4) memory.writeBytes(sk + this.f[v4], address);
    if (this.family(sk) === AF.INET6)
      memory.writeBytes(sk + this.f[v6], address.length === 4 && !isZero(address) ? mapped(address) : pad16(address));
  }
}
const pad16 = (address: Uint8Array): Uint8Array => (address.length === 16 ? address : new Uint8Array(16));
