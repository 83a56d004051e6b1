/**
 * Socket buffers: `struct sk_buff` and the head that its data lie in, as real structures in guest memory
 * (Linux 6.12 Documentation/networking/skbuff.rst). Whoever holds one has an address; what is in it is read by field.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';
import type { KmemCache } from '../mm/slab.ts';
import { SHARED_INFO, swap16 } from './packet.ts';

const FIELDS = [
  ...(['next', 'dev', 'sk', 'cb', '_skb_refdst', 'len', 'data_len', 'mac_len', 'queue_mapping', 'protocol'] as const),
  ...([
    'transport_header',
    'network_header',
    'mac_header',
    'tail',
    'end',
    'head',
    'data',
    'truesize',
    'users',
  ] as const),
  ...(['skb_iif', 'mark', 'priority', 'hash'] as const),
] as const;

/** PACKET_HOST and its kin, include/uapi/linux/if_packet.h */
export const PACKET = { HOST: 0, BROADCAST: 1, MULTICAST: 2, OTHERHOST: 3, LOOPBACK: 5 } as const;
/** of `pkt_type` in its byte: the lowest bits */
const PKT_TYPE_MASK = 7;
const NO_HEADER = 0xffff;
const align64 = (n: number): number => (n + 63) & ~63;

export class SkBuffs implements Stateful {
  readonly f: { readonly [F in (typeof FIELDS)[number] | 'sizeof']: number };
  readonly #kernel: Ground;
  readonly #cache: KmemCache;
  readonly #pktType: number;
  /** of skb_shared_info's meta_len */
  readonly #meta: number;

  constructor(kernel: Ground) {
    this.#kernel = kernel;
    this.f = kernel.structs.offsets('sk_buff', FIELDS);
    this.#pktType = kernel.structs.of('sk_buff').offset('__pkt_type_offset');
    this.#meta = kernel.structs.of('skb_shared_info').offset('meta_len');
    this.#cache = kernel.slab.create('skbuff_head_cache', this.f.sizeof, 64);
  }
  save() {
    return this.#cache.save();
  }
  restore(state: ReturnType<KmemCache['save']>): void {
    this.#cache.restore(state);
  }

  /** A buffer with room for `size` bytes behind `headroom`, empty: `alloc_skb` and `skb_reserve`. */
  alloc(headroom: number, size: number): Addr {
    const { memory, slab } = this.#kernel;
    const { f } = this;
    const end = align64(headroom + size);
    const head = slab.kmalloc(end + SHARED_INFO);
    const skb = this.#cache.alloc();
    memory.writeAddr(skb + f.head, head);
    memory.writeAddr(skb + f.data, head + headroom);
    memory.writeU32(skb + f.tail, headroom);
    memory.writeU32(skb + f.end, end);
    memory.writeU32(skb + f.truesize, f.sizeof + end + SHARED_INFO);
    memory.writeU32(skb + f.users, 1);
    memory.writeU16(skb + f.mac_header, NO_HEADER);
    memory.writeU16(skb + f.transport_header, NO_HEADER);
    return skb;
  }
  /** One more holder: `skb_get`. */
  get(skb: Addr): void {
    const { memory } = this.#kernel;
    memory.writeU32(skb + this.f.users, memory.readU32(skb + this.f.users) + 1);
  }
  /** Whether this was its last holder: `skb_unref`. */
  unref(skb: Addr): boolean {
    const { memory } = this.#kernel;
    const left = memory.readU32(skb + this.f.users) - 1;
    memory.writeU32(skb + this.f.users, left);
    return left === 0;
  }
  free(skb: Addr): void {
    this.#kernel.slab.kfree(this.#kernel.memory.readAddr(skb + this.f.head));
    this.#cache.free(skb);
  }
  /** A buffer of its own with the same bytes and headers: `skb_copy`. */
  copy(skb: Addr): Addr {
    const { memory } = this.#kernel;
    const { f } = this;
    const from = memory.readAddr(skb + f.head);
    const end = memory.readU32(skb + f.end);
    const made = this.alloc(0, end);
    const head = memory.readAddr(made + f.head);
    memory.writeBytes(made, memory.readBytes(skb, f.sizeof));
    memory.writeAddr(made + f.head, head);
    memory.writeAddr(made + f.data, head + (memory.readAddr(skb + f.data) - from));
    memory.writeU32(made + f.users, 1);
    memory.writeAddr(made + f.next, 0);
    memory.writeBytes(head, memory.readBytes(from, end));
    return made;
  }

  len(skb: Addr): number {
    return this.#kernel.memory.readU32(skb + this.f.len);
  }
  data(skb: Addr): Addr {
    return this.#kernel.memory.readAddr(skb + this.f.data);
  }
  dev(skb: Addr): Addr {
    return this.#kernel.memory.readAddr(skb + this.f.dev);
  }
  /** the device that it will leave by, where it is on its way out: `skb_dst(skb)->dev` */
  routeDev(skb: Addr): Addr {
    const { memory } = this.#kernel;
    const dst = memory.readAddr(skb + this.f._skb_refdst);
    // a tunnel's metadata are a route that leads nowhere by itself
    return (dst === 0 ? 0 : memory.readAddr(dst)) || this.dev(skb);
  }
  setDev(skb: Addr, dev: Addr): void {
    this.#kernel.memory.writeAddr(skb + this.f.dev, dev);
  }
  bytes(skb: Addr): Uint8Array {
    return this.#kernel.memory.readBytes(this.data(skb), this.len(skb));
  }
  /** Bytes from the link header on, wherever `data` is by now. */
  frame(skb: Addr): Uint8Array {
    const { memory } = this.#kernel;
    const mac = memory.readU16(skb + this.f.mac_header);
    const start = mac === NO_HEADER ? this.data(skb) : memory.readAddr(skb + this.f.head) + mac;
    const end = this.data(skb) + this.len(skb);
    return memory.readBytes(Math.min(start, end), Math.max(0, end - start));
  }
  /** bytes that can be appended */
  room(skb: Addr): number {
    const { memory } = this.#kernel;
    return memory.readU32(skb + this.f.end) - memory.readU32(skb + this.f.tail);
  }
  /** Appends bytes: `skb_put_data`. */
  put(skb: Addr, bytes: Uint8Array): void {
    const { memory } = this.#kernel;
    const { f } = this;
    const tail = memory.readU32(skb + f.tail);
    memory.writeBytes(memory.readAddr(skb + f.head) + tail, bytes);
    memory.writeU32(skb + f.tail, tail + bytes.length);
    memory.writeU32(skb + f.len, memory.readU32(skb + f.len) + bytes.length);
  }
  /** `skb_push` (below zero: `skb_pull`): the data begin so many bytes earlier. */
  push(skb: Addr, bytes: number): Addr {
    const { memory } = this.#kernel;
    const data = this.data(skb) - bytes;
    memory.writeAddr(skb + this.f.data, data);
    memory.writeU32(skb + this.f.len, this.len(skb) + bytes);
    return data;
  }
  /** `pskb_trim`: so many bytes are left. */
  trim(skb: Addr, length: number): void {
    const { memory } = this.#kernel;
    const { f } = this;
    memory.writeU32(skb + f.len, length);
    memory.writeU32(skb + f.tail, this.data(skb) - memory.readAddr(skb + f.head) + length);
  }
  /** `pskb_expand_head`: more room in front and behind, the same buffer with another head. */
  expand(skb: Addr, front: number, back = 0): void {
    const { memory, slab } = this.#kernel;
    const { f } = this;
    const old = memory.readAddr(skb + f.head);
    const end = memory.readU32(skb + f.end);
    const room = align64(front);
    const size = room + align64(end + back);
    const head = slab.kmalloc(size + SHARED_INFO);
    memory.writeBytes(head + room, memory.readBytes(old, end));
    memory.writeBytes(head + size, memory.readBytes(old + end, SHARED_INFO));
    memory.writeAddr(skb + f.data, head + room + (this.data(skb) - old));
    memory.writeAddr(skb + f.head, head);
    memory.writeU32(skb + f.tail, memory.readU32(skb + f.tail) + room);
    memory.writeU32(skb + f.end, size);
    for (const header of ['mac_header', 'network_header', 'transport_header'] as const) {
      const at = memory.readU16(skb + f[header]);
      if (at !== NO_HEADER) memory.writeU16(skb + f[header], at + room);
    }
    slab.kfree(old);
  }
  /** Where the data begin is where this header does: `skb_reset_network_header` and its kin. */
  resetHeader(skb: Addr, which: 'mac_header' | 'network_header' | 'transport_header', plus = 0): void {
    const { memory } = this.#kernel;
    memory.writeU16(skb + this.f[which], this.data(skb) - memory.readAddr(skb + this.f.head) + plus);
  }
  header(skb: Addr, which: 'mac_header' | 'network_header' | 'transport_header'): Addr {
    const { memory } = this.#kernel;
    return memory.readAddr(skb + this.f.head) + memory.readU16(skb + this.f[which]);
  }
  /** ETH_P_*, host order */
  protocol(skb: Addr): number {
    return swap16(this.#kernel.memory.readU16(skb + this.f.protocol));
  }
  setProtocol(skb: Addr, protocol: number): void {
    this.#kernel.memory.writeU16(skb + this.f.protocol, swap16(protocol));
  }
  pktType(skb: Addr): number {
    return this.#kernel.memory.readU8(skb + this.#pktType) & PKT_TYPE_MASK;
  }
  setPktType(skb: Addr, type: number): void {
    const { memory } = this.#kernel;
    const at = skb + this.#pktType;
    memory.writeU8(at, (memory.readU8(at) & ~PKT_TYPE_MASK) | type);
  }
  /** `bpf_compute_data_pointers`: what direct packet access reads. `struct bpf_skb_data_end`: behind qdisc_skb_cb. */
  setDataPointers(skb: Addr): void {
    const { memory } = this.#kernel;
    const end = this.#kernel.structs.of('bpf_skb_data_end');
    const data = this.data(skb);
    const cb = skb + this.f.cb;
    memory.writeAddr(cb + end.offset('data_meta'), data - this.#metaLen(skb));
    memory.writeAddr(cb + end.offset('data_end'), data + this.len(skb) - memory.readU32(skb + this.f.data_len));
  }
  /** `skb_metadata_set`: bytes in front of the link header that programs pass on */
  setMetaLen(skb: Addr, bytes: number): void {
    this.#kernel.memory.writeU8(this.#shared(skb) + this.#meta, bytes);
  }
  #metaLen(skb: Addr): number {
    return this.#kernel.memory.readU8(this.#shared(skb) + this.#meta);
  }
  /** `skb_shinfo` */
  #shared(skb: Addr): Addr {
    const { memory } = this.#kernel;
    return memory.readAddr(skb + this.f.head) + memory.readU32(skb + this.f.end);
  }
  /** `tcx_set_ingress` */
  setAtIngress(skb: Addr, is: boolean): void {
    const { memory, structs } = this.#kernel;
    const bit = structs.member('sk_buff', 'tc_at_ingress');
    const mask = 1 << (bit.bitOffset % 8);
    const at = skb + bit.offset;
    memory.writeU8(at, is ? memory.readU8(at) | mask : memory.readU8(at) & ~mask);
  }
  /** buffers that somebody holds */
  get live(): number {
    return this.#cache.liveObjects;
  }
}

/** FIFO of buffers, linked by `next` in guest memory as `struct sk_buff_head` links them. */
export class SkbQueue implements Stateful {
  readonly #kernel: Ground;
  readonly #next: number;
  #head: Addr = 0;
  #tail: Addr = 0;
  length = 0;
  constructor(kernel: Ground, skbs: SkBuffs) {
    this.#kernel = kernel;
    this.#next = skbs.f.next;
  }
  save() {
    return capture({ head: this.#head, tail: this.#tail, length: this.length });
  }
  restore(state: ReturnType<SkbQueue['save']>): void {
    const { head, tail, length } = state.back();
    this.#head = head;
    this.#tail = tail;
    this.length = length;
  }
  /** 0 where there is none */
  get first(): Addr {
    return this.#head;
  }
  get last(): Addr {
    return this.#tail;
  }
  push(skb: Addr): void {
    const { memory } = this.#kernel;
    memory.writeAddr(skb + this.#next, 0);
    if (this.#tail === 0) this.#head = skb;
    else memory.writeAddr(this.#tail + this.#next, skb);
    this.#tail = skb;
    this.length++;
  }
  /** The first one, which leaves; 0 where there is none. */
  shift(): Addr {
    const skb = this.#head;
    if (skb === 0) return 0;
    const { memory } = this.#kernel;
    this.#head = memory.readAddr(skb + this.#next);
    if (this.#head === 0) this.#tail = 0;
    memory.writeAddr(skb + this.#next, 0);
    this.length--;
    return skb;
  }
}
