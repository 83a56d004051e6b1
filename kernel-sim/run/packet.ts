/** Structures that packets live in, laid out as the active BTF says: `sk_buff`, `skb_shared_info`, `net_device`. */
import type { Addr } from '../../src/machine/addr.ts';
import { layoutOf, type StructField, type StructLayout } from '../bpf/context/layout.ts';
import { BpfError } from '../bpf/errors.ts';
import type { BpfState } from '../bpf/syscall/state.ts';

export const ETH_HLEN = 14;
/** NET_SKB_PAD + NET_IP_ALIGN: room in front of a test packet's data. */
export const SKB_HEADROOM = 64;
/** SKB_DATA_ALIGN(sizeof(struct skb_shared_info)): room behind it. */
export const SHARED_INFO = 320;
export const PAGE = 4096;
/** XDP_PACKET_HEADROOM */
export const XDP_HEADROOM = 256;

const layouts = new WeakMap<BpfState, StructLayout>();
/** Layouts of the kernel whose BTF is active. */
export function layout(state: BpfState): StructLayout {
  let known = layouts.get(state);
  if (known === undefined) {
    known = layoutOf(state.kernel.btf);
    layouts.set(state, known);
  }
  return known;
}

/** One structure in guest memory, by field name. */
export class GuestStruct {
  readonly at: Addr;
  readonly #state: BpfState;
  readonly #name: string;
  constructor(state: BpfState, name: string, at: Addr) {
    this.#state = state;
    this.#name = name;
    this.at = at;
  }
  #field(name: string): StructField {
    return layout(this.#state).field(this.#name, name);
  }
  addressOf(name: string): Addr {
    return this.at + this.#field(name).offset;
  }
  /** A number or address; bit fields take their bits. */
  set(name: string, value: number): this {
    const { memory } = this.#state.host;
    const f = this.#field(name);
    if (f.bitfieldSize > 0) {
      const shift = f.bitOffset % 8;
      const mask = ((1 << f.bitfieldSize) - 1) << shift;
      memory.writeU8(this.at + f.offset, (memory.readU8(this.at + f.offset) & ~mask) | ((value << shift) & mask));
    } else if (f.size === 8) memory.writeAddr(this.at + f.offset, value);
    else if (f.size === 4) memory.writeU32(this.at + f.offset, value >>> 0);
    else if (f.size === 2) memory.writeU16(this.at + f.offset, value & 0xffff);
    else memory.writeU8(this.at + f.offset, value & 0xff);
    return this;
  }
  get(name: string): number {
    const { memory } = this.#state.host;
    const f = this.#field(name);
    if (f.bitfieldSize > 0) {
      return (memory.readU8(this.at + f.offset) >> (f.bitOffset % 8)) & ((1 << f.bitfieldSize) - 1);
    }
    if (f.size === 8) return memory.readAddr(this.at + f.offset);
    if (f.size === 4) return memory.readU32(this.at + f.offset);
    return f.size === 2 ? memory.readU16(this.at + f.offset) : memory.readU8(this.at + f.offset);
  }
  setBig(name: string, value: bigint): this {
    this.#state.host.memory.writeU64(this.addressOf(name), value);
    return this;
  }
  getBig(name: string): bigint {
    return this.#state.host.memory.readU64(this.addressOf(name));
  }
  has(name: string): boolean {
    try {
      this.#field(name);
      return true;
    } catch {
      return false;
    }
  }
}

export const structSize = (state: BpfState, name: string): number => {
  const { btf } = state.kernel;
  const id = btf.findByName(name, 'struct');
  if (id <= 0) throw new BpfError('BPF_PROG_TEST_RUN', 'EOPNOTSUPP', `the active BTF has no struct ${name}`);
  return btf.sizeOf(id);
};

/** The device that test packets come from. */
export function loopback(state: BpfState, ifindex = 1, type = 772): GuestStruct {
  const at = state.host.kmalloc(structSize(state, 'net_device'));
  const dev = new GuestStruct(state, 'net_device', at);
  dev.set('ifindex', ifindex).set('type', type);
  if (dev.has('mtu')) dev.set('mtu', 65536);
  if (dev.has('hard_header_len')) dev.set('hard_header_len', ETH_HLEN);
  return dev;
}

export const swap16 = (n: number): number => ((n & 0xff) << 8) | (n >> 8);
