/** Longest prefix match: Linux 6.12 Documentation/bpf/map_lpm_trie.rst; nodes are `struct lpm_trie_node`. */
import type { Addr } from '../../../src/machine/addr.ts';
import { BPF_EXIST, BPF_NOEXIST } from '../../../src/uapi/index.ts';
import { ENDLESS, ERRNO, KernelBug } from '../../core/errno.ts';
import { BpfMap, type MapAttrs, type MapContext } from './map.ts';

/** A node that only joins two subtrees (LPM_TREE_NODE_FLAG_IM). */
const INTERMEDIATE = 1;
/** Bytes of `struct bpf_lpm_trie_key` before the data: the prefix length. */
export const LPM_KEY_HEADER = 4;

export class LpmTrieMap extends BpfMap {
  readonly #dataSize: number;
  readonly #maxPrefix: number;
  /** address of the pointer to the root */
  readonly #root: Addr;
  readonly #count = { entries: 0 };

  constructor(context: MapContext, attrs: MapAttrs) {
    const f = context.layout.lpm_trie;
    super(context, attrs, f.sizeof);
    this.#dataSize = attrs.keySize - LPM_KEY_HEADER;
    this.#maxPrefix = this.#dataSize * 8;
    this.#root = this.addr + f.root;
    this.host.memory.writeU32(this.addr + f.data_size, this.#dataSize);
    this.host.memory.writeU32(this.addr + f.max_prefixlen, this.#maxPrefix);
  }

  protected override get hostState(): readonly object[] {
    return [this.#count];
  }
  #prefix(node: Addr): number {
    return this.host.memory.readU32(node + this.layout.lpm_trie_node.prefixlen);
  }
  #isIntermediate(node: Addr): boolean {
    return (this.host.memory.readU32(node + this.layout.lpm_trie_node.flags) & INTERMEDIATE) !== 0;
  }
  #child(node: Addr, bit: number): Addr {
    return node + this.layout.lpm_trie_node.child + 8 * bit;
  }
  #data(node: Addr): Uint8Array {
    return this.host.memory.readBytes(node + this.layout.lpm_trie_node.data, this.#dataSize);
  }
  #value(node: Addr): Addr {
    return node + this.layout.lpm_trie_node.data + this.#dataSize;
  }
  #key(key: Addr): { prefix: number; data: Uint8Array } {
    const { memory } = this.host;
    return { prefix: memory.readU32(key), data: memory.readBytes(key + LPM_KEY_HEADER, this.#dataSize) };
  }
  /** Bits that node and key have in common, at most the shorter prefix. */
  #match(node: Addr, prefix: number, data: Uint8Array): number {
    const limit = Math.min(this.#prefix(node), prefix);
    return commonBits(this.#data(node), data, limit);
  }

  override lookup(key: Addr): Addr {
    const { prefix, data } = this.#key(key);
    if (prefix > this.#maxPrefix) return 0;
    let found: Addr = 0;
    let left = this.#maxPrefix + 1;
    for (let node = this.host.memory.readAddr(this.#root); node !== 0; ) {
      if (left-- < 0) throw new KernelBug(ENDLESS);
      const match = this.#match(node, prefix, data);
      if (match === this.#maxPrefix) {
        found = node;
        break;
      }
      if (match < this.#prefix(node)) break;
      if (!this.#isIntermediate(node)) found = node;
      node = this.host.memory.readAddr(this.#child(node, bit(data, this.#prefix(node))));
    }
    return found === 0 ? 0 : this.#value(found);
  }

  #node(prefix: number, data: Uint8Array, value: Addr): Addr {
    const { memory } = this.host;
    const f = this.layout.lpm_trie_node;
    const node = this.host.kmalloc(f.data + this.#dataSize + this.valueSize);
    memory.writeU32(node + f.prefixlen, prefix);
    memory.writeBytes(node + f.data, data);
    if (value === 0) memory.writeU32(node + f.flags, INTERMEDIATE);
    else memory.writeBytes(this.#value(node), memory.readBytes(value, this.valueSize));
    return node;
  }

  override update(key: Addr, value: Addr, flags: number): number {
    const { memory } = this.host;
    if (flags > BPF_EXIST) return -ERRNO.EINVAL;
    const { prefix, data } = this.#key(key);
    if (prefix > this.#maxPrefix) return -ERRNO.EINVAL;
    let slot = this.#root;
    let node = memory.readAddr(slot);
    let match = 0;
    for (let left = this.#maxPrefix + 1; node !== 0; left--) {
      if (left < 0) throw new KernelBug(ENDLESS);
      match = this.#match(node, prefix, data);
      if (this.#prefix(node) !== match || this.#prefix(node) === prefix) break;
      slot = this.#child(node, bit(data, this.#prefix(node)));
      node = memory.readAddr(slot);
    }
    const exact = node !== 0 && this.#prefix(node) === match && match === prefix;
    const exists = exact && !this.#isIntermediate(node);
    if (exists && flags === BPF_NOEXIST) return -ERRNO.EEXIST;
    if (!exists && flags === BPF_EXIST) return -ERRNO.ENOENT;
    if (!exists && this.#count.entries === this.maxEntries) return -ERRNO.ENOSPC;
    const made = this.#node(prefix, data, value);
    if (!exists) this.#setEntries(this.#count.entries + 1);
    if (node === 0) {
      memory.writeAddr(slot, made);
    } else if (exact) {
      for (const b of [0, 1]) memory.writeAddr(this.#child(made, b), memory.readAddr(this.#child(node, b)));
      memory.writeAddr(slot, made);
      this.host.kfree(node);
    } else if (match === prefix) {
      memory.writeAddr(this.#child(made, bit(this.#data(node), match)), node);
      memory.writeAddr(slot, made);
    } else {
      const join = this.#node(match, this.#data(node), 0);
      const made1 = bit(data, match) === 1;
      memory.writeAddr(this.#child(join, 0), made1 ? node : made);
      memory.writeAddr(this.#child(join, 1), made1 ? made : node);
      memory.writeAddr(slot, join);
    }
    return 0;
  }

  override delete(key: Addr): number {
    const { memory } = this.host;
    const { prefix, data } = this.#key(key);
    if (prefix > this.#maxPrefix) return -ERRNO.EINVAL;
    let slot = this.#root;
    let parentSlot = slot;
    let parent: Addr = 0;
    let node = memory.readAddr(slot);
    let match = 0;
    let side = 0;
    for (let left = this.#maxPrefix + 1; node !== 0; left--) {
      if (left < 0) throw new KernelBug(ENDLESS);
      match = this.#match(node, prefix, data);
      if (this.#prefix(node) !== match || this.#prefix(node) === prefix) break;
      parent = node;
      parentSlot = slot;
      side = bit(data, this.#prefix(node));
      slot = this.#child(node, side);
      node = memory.readAddr(slot);
    }
    if (node === 0 || this.#prefix(node) !== prefix || match !== prefix || this.#isIntermediate(node)) {
      return -ERRNO.ENOENT;
    }
    this.#setEntries(this.#count.entries - 1);
    const children = [0, 1].map((b) => memory.readAddr(this.#child(node, b))) as [Addr, Addr];
    if (children[0] !== 0 && children[1] !== 0) {
      memory.writeU32(node + this.layout.lpm_trie_node.flags, INTERMEDIATE);
      return 0;
    }
    if (parent !== 0 && this.#isIntermediate(parent) && children[0] === 0 && children[1] === 0) {
      memory.writeAddr(parentSlot, memory.readAddr(this.#child(parent, 1 - side)));
      this.host.kfree(parent);
    } else {
      memory.writeAddr(slot, children[0] || children[1]);
    }
    this.host.kfree(node);
    return 0;
  }

  /** Entries in the order of iteration: each node after its subtrees, so longer prefixes first. */
  #nodes(): Addr[] {
    const out: Addr[] = [];
    const walk = (node: Addr): void => {
      if (node === 0) return;
      for (const b of [0, 1]) walk(this.host.memory.readAddr(this.#child(node, b)));
      if (!this.#isIntermediate(node)) out.push(node);
    };
    walk(this.host.memory.readAddr(this.#root));
    return out;
  }
  override nextKey(key: Addr, next: Addr): number {
    const nodes = this.#nodes();
    if (nodes.length === 0) return -ERRNO.ENOENT;
    let at = 0;
    if (key !== 0) {
      const { prefix, data } = this.#key(key);
      const here = nodes.findIndex((n) => this.#prefix(n) === prefix && equal(this.#data(n), data));
      if (here >= 0) at = here + 1;
    }
    const node = nodes[at];
    if (node === undefined) return -ERRNO.ENOENT;
    this.host.memory.writeU32(next, this.#prefix(node));
    this.host.memory.writeBytes(next + LPM_KEY_HEADER, this.#data(node));
    return 0;
  }
  #setEntries(n: number): void {
    this.#count.entries = n;
    this.host.memory.writeU32(this.addr + this.layout.lpm_trie.n_entries, n);
  }
  override get canBatch(): boolean {
    return true;
  }
  protected override free(): void {
    const walk = (node: Addr): void => {
      if (node === 0) return;
      for (const b of [0, 1]) walk(this.host.memory.readAddr(this.#child(node, b)));
      this.host.kfree(node);
    };
    walk(this.host.memory.readAddr(this.#root));
  }
}

const bit = (data: Uint8Array, n: number): 0 | 1 => (((data[n >> 3] ?? 0) >> (7 - (n & 7))) & 1) as 0 | 1;
const equal = (a: Uint8Array, b: Uint8Array): boolean => a.every((v, i) => v === b[i]);

function commonBits(a: Uint8Array, b: Uint8Array, limit: number): number {
  for (let i = 0; i * 8 < limit; i++) {
    const diff = a[i]! ^ b[i]!;
    if (diff !== 0) return Math.min(limit, i * 8 + Math.clz32(diff) - 24);
  }
  return limit;
}
