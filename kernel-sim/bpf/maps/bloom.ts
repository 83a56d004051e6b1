/** Bloom filters: Linux 6.12 Documentation/bpf/map_bloom_filter.rst. */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_ANY, BPF_F_ZERO_SEED } from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { jhash } from './jhash.ts';
import { BpfMap, contiguous, type MapAttrs, type MapContext } from './map.ts';

/** Bits for the given number of entries and hash functions: entries * functions / ln 2, as a power of two. */
function bitsetMask(entries: number, functions: number): number {
  // 7/5 is the kernel's integer form of 1 / ln 2
  const bits = Math.floor((entries * functions * 7) / 5);
  if (bits > 2 ** 31) return 0xffff_ffff;
  return (bits <= 64 ? 64 : 2 ** Math.ceil(Math.log2(bits))) - 1;
}

export class BloomFilterMap extends BpfMap {
  readonly #functions: number;
  readonly #mask: number;
  readonly #seed: number;
  readonly #bits: number;
  readonly #bounce: number;

  constructor(context: MapContext, attrs: MapAttrs) {
    const functions = attrs.mapExtra || 5;
    const mask = bitsetMask(attrs.maxEntries, functions);
    const f = context.layout.bpf_bloom_filter;
    super(context, attrs, f.bitset + (mask + 1) / 8);
    this.#functions = functions;
    this.#mask = mask;
    this.#seed = attrs.flags & BPF_F_ZERO_SEED ? 0 : this.host.random() | 0;
    this.#bits = this.phys(this.addr + f.bitset);
    this.#bounce = this.phys(this.areaAlloc(attrs.valueSize));
    const { memory } = this.host;
    memory.writeU32(this.addr + f.bitset_mask, mask);
    memory.writeU32(this.addr + f.hash_seed, this.#seed);
    memory.writeU32(this.addr + f.nr_hash_funcs, functions);
  }
  #bit(phys: number, n: number): number {
    const { memory } = this.host;
    return (jhash(memory.view, memory.u8, phys, this.valueSize, (this.#seed + n) | 0) & this.#mask) >>> 0;
  }
  override peek(value: Addr): number {
    const phys = contiguous(this.host, value, this.valueSize, this.#bounce);
    for (let n = 0; n < this.#functions; n++) {
      const bit = this.#bit(phys, n);
      if ((this.host.memory.u8[this.#bits + (bit >>> 3)]! & (1 << (bit & 7))) === 0) return -ERRNO.ENOENT;
    }
    return 0;
  }
  override push(value: Addr, flags: number): number {
    if (flags !== BPF_ANY) return -ERRNO.EINVAL;
    const phys = contiguous(this.host, value, this.valueSize, this.#bounce);
    for (let n = 0; n < this.#functions; n++) {
      const bit = this.#bit(phys, n);
      const at = this.#bits + (bit >>> 3);
      this.host.memory.u8[at] = this.host.memory.u8[at]! | (1 << (bit & 7));
    }
    return 0;
  }
  override pop(_value: Addr): number {
    return -ERRNO.EOPNOTSUPP;
  }
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.EINVAL;
  }
  override updateUser(_key: Addr, value: Addr, flags: number): number {
    return this.push(value, flags);
  }
}
