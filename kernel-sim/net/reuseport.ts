/** Sockets that share a port, and which of them a packet is for: `struct sock_reuseport` (socket(7), SO_REUSEPORT; SO_ATTACH_REUSEPORT_EBPF). */

import type { Addr } from '../../src/machine/addr.ts';
import { equalBytes } from '../../src/platform/index.ts';
import { IPPROTO, TCP } from '../../src/uapi/socket.ts';
import { ERRNO } from '../core/errno.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { capture, type Stateful } from '../core/state.ts';
import { parseIp, TCP_HLEN, UDP_HLEN } from './inet.ts';
import type { NetParts, On, SharedPorts } from './parts.ts';
import { isZero } from './socks.ts';

const SK_PASS = 1;
/** room for `struct sock_reuseport` with its sockets */
const GROUP_ROOM = 1024;

interface Group {
  /** `struct sock_reuseport`, which `sk_reuseport_cb` of its sockets points to */
  readonly at: Addr;
  readonly sockets: Addr[];
  prog: Addr;
  /** it is a socket filter: what it returns is an index */
  isFilter: boolean;
}

export class Reuseport implements SharedPorts, Stateful {
  readonly #net: NetParts;
  /** sockets that asked for it */
  readonly #asked = new Set<Addr>();
  readonly #groups = new Map<Addr, Group>();
  /** programs of sockets that are in no group yet */
  readonly #early = new Map<Addr, { readonly prog: Addr; readonly isFilter: boolean }>();
  constructor(net: NetParts) {
    this.#net = net;
  }
  save() {
    return capture({ asked: this.#asked, groups: this.#groups, early: this.#early });
  }
  restore(state: ReturnType<Reuseport['save']>): void {
    state.back();
  }
  /** SO_REUSEPORT of a `struct sock`. */
  ask(sk: Addr, is: boolean): void {
    if (is) this.#asked.add(sk);
    else this.#asked.delete(sk);
    new GuestStruct(this.#net.kernel, 'sock', sk).set('__sk_common.skc_reuseport', is ? 1 : 0);
  }
  /** It has its port: it joins those that share it (`reuseport_add_sock`). */
  bound(sk: Addr): void {
    if (!this.#asked.has(sk) || this.#groups.has(sk)) return;
    const { socks, kernel } = this.#net;
    const own = socks.own(sk);
    const sharing = [...this.#groups].find(
      ([other]) =>
        socks.port(other) === socks.port(sk) &&
        socks.protocol(other) === socks.protocol(sk) &&
        socks.family(other) === socks.family(sk) &&
        equalBytes(socks.own(other), own),
    )?.[1];
    const group = sharing ?? { at: kernel.slab.kmalloc(GROUP_ROOM), sockets: [], prog: 0, isFilter: false };
    group.sockets.push(sk);
    this.#groups.set(sk, group);
    this.#write(sk, group);
    const early = this.#early.get(sk);
    if (early) this.set(sk, early.prog, early.isFilter);
  }
  /** The program that chooses in a socket's group; 0 takes it off. */
  set(sk: Addr, prog: Addr, isFilter: boolean): void {
    const group = this.#groups.get(sk);
    this.#early.set(sk, { prog, isFilter });
    if (group === undefined) return;
    group.prog = prog;
    group.isFilter = isFilter;
  }
  isGrouped(sk: Addr): boolean {
    return this.#groups.has(sk);
  }
  closed(sk: Addr): void {
    const group = this.#groups.get(sk);
    this.#asked.delete(sk);
    this.#early.delete(sk);
    if (group === undefined) return;
    this.#groups.delete(sk);
    group.sockets.splice(group.sockets.indexOf(sk), 1);
    if (group.sockets.length === 0) this.#net.kernel.slab.kfree(group.at);
    else this.#write(undefined, group);
  }
  #write(sk: Addr | undefined, group: Group): void {
    const { memory, structs } = this.#net.kernel;
    if (sk !== undefined) memory.writeAddr(sk + structs.offsets('sock', ['sk_reuseport_cb']).sk_reuseport_cb, group.at);
    const f = structs.offsets('sock_reuseport', ['num_socks', 'socks', 'max_socks', 'reuseport_id'] as const);
    memory.writeU16(group.at + f.num_socks, group.sockets.length);
    group.sockets.forEach((one, n) => {
      memory.writeAddr(group.at + f.socks + 8 * n, one);
    });
  }

  register(on: On): void {
    const { kernel, socks } = this.#net;
    const { args, slab } = kernel;
    const chooses = (sk: Addr): boolean => sk !== 0 && this.#groups.size > 0 && this.#groups.has(sk);
    // the packet, where a group has it; a socket that is connected has its own alone
    on('reuseport', () => {
      const sk = args.addr(0);
      args.retAddr(chooses(sk) && socks.peerPort(sk) === 0 ? this.#net.looksUp : 0);
    });
    on('reuseport_listener', () => args.retAddr(chooses(args.addr(0)) ? args.addr(1) : 0));
    on('reuseport_hash', () => args.retU32(this.#hash(args.addr(0))));
    on('reuseport_prog', () => args.retAddr(this.#groups.get(args.addr(0))?.prog ?? 0));
    on('reuseport_context', () => {
      const [sk, skb] = [args.addr(0), args.addr(1)];
      if (this.#groups.get(sk)?.isFilter === true) {
        this.#net.skbs.push(skb, -this.#header(skb));
        this.#net.skbs.setDataPointers(skb);
        return args.retAddr(skb);
      }
      args.retAddr(this.#context(sk, skb, args.u32(2)));
    });
    on('reuseport_selected', () => {
      const [ctx, action, sk, skb] = [args.addr(0), args.u32(1), args.addr(2), args.addr(4)];
      const group = this.#groups.get(sk);
      if (group?.isFilter === true) {
        this.#net.skbs.push(skb, this.#header(skb));
        return args.retAddr(group.sockets[action] ?? 0);
      }
      const selected = new GuestStruct(kernel, 'sk_reuseport_kern', ctx).get('selected_sk');
      slab.kfree(ctx);
      if (action === SK_PASS) args.retAddr(selected);
      else args.ret(-ERRNO.ECONNREFUSED, -1);
    });
    // whom the program has not chosen, the hash does
    on('reuseport_or_hash', () => {
      const [sk, prog, hash] = [args.addr(0), args.addr(1), args.u32(3)];
      if (prog !== 0 && (args.addr(2) !== 0 || args.hi(2) !== 0)) return args.ret(args.lo(2), args.hi(2));
      const sockets = this.#groups.get(sk)?.sockets ?? [sk];
      const listening = sockets.filter((one) => socks.protocol(one) !== IPPROTO.TCP || socks.state(one) === TCP.LISTEN);
      // reciprocal_scale
      args.retAddr(listening[Math.floor((hash / 0x1_0000_0000) * listening.length)] ?? sk);
    });
  }
  #header(skb: Addr): number {
    const seen = parseIp(this.#net.packet(skb));
    return seen?.protocol === IPPROTO.UDP ? UDP_HLEN : TCP_HLEN;
  }
  /** A hash of both ends, as inet_ehashfn has one: here FNV-1a. */
  #hash(skb: Addr): number {
    const seen = skb === 0 ? undefined : parseIp(this.#net.packet(skb));
    if (seen === undefined) return 0;
    const { saddr, daddr, sport, dport } = seen.flow;
    let hash = 0x811c_9dc5;
    for (const byte of [...saddr, ...daddr, sport >> 8, sport & 0xff, dport >> 8, dport & 0xff])
      hash = Math.imul(hash ^ byte, 0x0100_0193);
    return hash >>> 0;
  }
  #context(sk: Addr, skb: Addr, hash: number): Addr {
    const { kernel, skbs, socks } = this.#net;
    const size = kernel.structs.of('sk_reuseport_kern').size;
    const at = kernel.slab.kmalloc(size);
    kernel.memory.writeBytes(at, new Uint8Array(size));
    const ctx = new GuestStruct(kernel, 'sk_reuseport_kern', at);
    ctx
      .set('skb', skb)
      .set('sk', sk)
      .set('hash', hash)
      .set('data_end', skbs.data(skb) + skbs.len(skb));
    ctx.set('bind_inany', isZero(socks.own(sk)) ? 1 : 0);
    return at;
  }
}
