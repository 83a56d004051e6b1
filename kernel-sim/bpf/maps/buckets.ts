/**
 * The table of a hash map: `struct bucket` with a list of `struct htab_elem` that ends in a marker instead of a null
 * pointer (include/linux/rculist_nulls.h), all in guest memory. Elements are named by their addresses.
 */
import { type Addr, addrHi, addrLo, addrOf } from '../../../src/machine/addr.ts';
import { WALK_PHYS } from '../../../src/machine/index.ts';
import { ENDLESS, KernelBug } from '../../core/errno.ts';
import type { MapLayout } from '../../core/map-layout.ts';
import { type HashCode, hashCode } from './hash-code.ts';
import type { MapHost } from './host.ts';

/** The lower half of LIST_POISON2, which marks an element that is in no list, and the upper half. */
const POISON_LO = 0x122;
const POISON_HI = -0x2153_0000;

export class Buckets {
  readonly mask: number;
  /** address minus physical address of every element */
  readonly delta: number;
  readonly #host: MapHost;
  readonly #at: Addr;
  readonly #phys: number;
  readonly #size: number;
  readonly #hashAt: number;
  readonly #keySize: number;
  readonly #layout: MapLayout;
  /** `delta`, of which addresses below 4 GiB need the lower half only */
  readonly #deltaLo: number;
  #made: HashCode | undefined;
  /** grows whenever an element comes into a list or leaves one */
  changes = 0;
  /** elements of all lists together */
  readonly #most: number;

  /** @param at address of `count` buckets, contiguous in physical memory at `phys` */
  constructor(host: MapHost, layout: MapLayout, at: Addr, phys: number, count: number, delta: number, keySize: number) {
    this.#host = host;
    this.#at = at;
    this.#phys = phys;
    this.#size = layout.bucket.sizeof;
    this.#hashAt = layout.htab_elem.hash;
    this.#layout = layout;
    this.#deltaLo = addrLo(delta);
    this.#keySize = keySize;
    this.mask = count - 1;
    // a bucket for each entry, and each CPU has an element more
    this.#most = count + 2 * host.cpus;
    this.delta = delta;
    for (let i = 0; i < count; i++) this.#putHead(i, (i << 1) | 1, i >>> 31);
  }

  /** The table is guest memory; who goes through it has to look again once that is another. */
  save(): undefined {
    return undefined;
  }
  restore(): void {
    this.changes++;
  }

  #head(bucket: number): number {
    return this.#phys + bucket * this.#size;
  }
  #putHead(bucket: number, lo: number, hi: number): void {
    const { view } = this.#host.memory;
    view.setInt32(this.#head(bucket), lo, true);
    view.setInt32(this.#head(bucket) + 4, hi, true);
  }
  /** An address in memory, by physical address. */
  get(phys: number): Addr {
    const { view } = this.#host.memory;
    return addrOf(view.getInt32(phys, true), view.getInt32(phys + 4, true));
  }
  put(phys: number, address: Addr): void {
    const { view } = this.#host.memory;
    view.setInt32(phys, addrLo(address), true);
    view.setInt32(phys + 4, addrHi(address), true);
  }

  get #code(): HashCode {
    this.#made ??= hashCode(this.#host.memory.wasm, this.#layout, this.#keySize);
    return this.#made;
  }
  /** Of the key at a physical address. */
  hash(keyPhys: number, seed: number): number {
    return this.#code.hash(keyPhys, seed);
  }
  /** Where the element with the key at `keyPhys` is, as a physical address; 0 where there is none. */
  locate(keyPhys: number, hash: number): number {
    const at = this.#code.find(keyPhys, hash, this.#phys, this.mask, this.#deltaLo, this.#most);
    if (at === -1) throw new KernelBug(ENDLESS);
    return at;
  }
  /** Element with the key at `keyPhys`, 0 where there is none. */
  find(keyPhys: number, hash: number): Addr {
    const at = this.locate(keyPhys, hash);
    return at === 0 ? 0 : at + this.delta;
  }
  /** Physical addresses of the elements behind the one at `after`, or of the first where that is 0: some, none at the end. */
  gather(after: number, valueAt: number): Int32Array {
    const count = this.#code.gather(after, this.#phys, this.mask, this.#deltaLo, valueAt);
    return this.#host.memory.i32.slice(WALK_PHYS >> 2, (WALK_PHYS >> 2) + count);
  }

  /** Puts an element in front of its bucket's list (`hlist_nulls_add_head_rcu`). */
  link(elem: Addr, hash: number): void {
    this.changes++;
    const { view } = this.#host.memory;
    const at = elem - this.delta;
    const bucket = hash & this.mask;
    const head = this.#head(bucket);
    const firstLo = view.getInt32(head, true);
    const firstHi = view.getInt32(head + 4, true);
    view.setInt32(at + this.#hashAt, hash, true);
    view.setInt32(at, firstLo, true);
    view.setInt32(at + 4, firstHi, true);
    this.put(at + 8, this.#at + bucket * this.#size);
    this.#putHead(bucket, addrLo(elem), addrHi(elem));
    if ((firstLo & 1) === 0) this.put(addrOf(firstLo, firstHi) - this.delta + 8, elem);
  }

  unlink(elem: Addr): void {
    this.changes++;
    const { view } = this.#host.memory;
    const at = elem - this.delta;
    const nextLo = view.getInt32(at, true);
    const nextHi = view.getInt32(at + 4, true);
    const before = this.get(at + 8);
    const isHead = before >= this.#at && before < this.#at + (this.mask + 1) * this.#size;
    const beforeAt = isHead ? this.#phys + (before - this.#at) : before - this.delta;
    view.setInt32(beforeAt, nextLo, true);
    view.setInt32(beforeAt + 4, nextHi, true);
    if ((nextLo & 1) === 0) this.put(addrOf(nextLo, nextHi) - this.delta + 8, before);
    view.setInt32(at + 8, POISON_LO, true);
    view.setInt32(at + 12, POISON_HI, true);
  }

  isLinked(elem: Addr): boolean {
    const { view } = this.#host.memory;
    const at = elem - this.delta + 8;
    const lo = view.getInt32(at, true);
    return lo !== POISON_LO && (lo | view.getInt32(at + 4, true)) !== 0;
  }

  /** The element behind one, or the first of the buckets from `bucket` on; 0 at the end. */
  after(elem: Addr, hash: number): Addr {
    const { view } = this.#host.memory;
    const at = elem - this.delta;
    return (view.getInt32(at, true) & 1) === 0 ? this.get(at) : this.first((hash & this.mask) + 1);
  }
  first(bucket = 0): Addr {
    const { view } = this.#host.memory;
    for (let b = bucket; b <= this.mask; b++) {
      const head = this.#head(b);
      if ((view.getInt32(head, true) & 1) === 0) return this.get(head);
    }
    return 0;
  }

  /** The first element of a bucket, or the one behind another in its bucket; 1 where there is none. */
  head(bucket: number): Addr {
    return this.#linked(this.#head(bucket));
  }
  next(elem: Addr): Addr {
    return this.#linked(elem - this.delta);
  }
  #linked(at: number): Addr {
    const { view } = this.#host.memory;
    const lo = view.getInt32(at, true);
    return (lo & 1) === 0 ? addrOf(lo, view.getInt32(at + 4, true)) : 1;
  }

  /** Elements of one bucket; the one given may be deleted before the next is asked for. */
  *inBucket(bucket: number): IterableIterator<Addr> {
    const { view } = this.#host.memory;
    const head = this.#head(bucket);
    let lo = view.getInt32(head, true);
    let hi = view.getInt32(head + 4, true);
    for (let left = this.#most; (lo & 1) === 0; left--) {
      if (left === 0) throw new KernelBug(ENDLESS);
      const elem = addrOf(lo, hi);
      lo = view.getInt32(elem - this.delta, true);
      hi = view.getInt32(elem - this.delta + 4, true);
      yield elem;
    }
  }
  /** Elements in bucket order; the one given may be deleted before the next is asked for. */
  *elements(): IterableIterator<Addr> {
    for (let bucket = 0; bucket <= this.mask; bucket++) yield* this.inBucket(bucket);
  }
}
