/**
 * The table of a hash map: `struct bucket` with a list of `struct htab_elem` that ends in a marker instead of a null
 * pointer (include/linux/rculist_nulls.h), all in guest memory. Elements are named by their addresses.
 */
import { type Addr, addrHi, addrLo, addrOf } from '../../../src/machine/addr.ts';
import { ENDLESS, KernelBug } from '../../core/errno.ts';
import type { MapLayout } from '../../core/map-layout.ts';
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
  readonly #keyAt: number;
  readonly #keySize: number;
  /** elements of all lists together */
  readonly #most: number;

  /** @param at address of `count` buckets, contiguous in physical memory at `phys` */
  constructor(host: MapHost, layout: MapLayout, at: Addr, phys: number, count: number, delta: number, keySize: number) {
    this.#host = host;
    this.#at = at;
    this.#phys = phys;
    this.#size = layout.bucket.sizeof;
    this.#hashAt = layout.htab_elem.hash;
    this.#keyAt = layout.htab_elem.key;
    this.#keySize = keySize;
    this.mask = count - 1;
    // a bucket for each entry, and each CPU has an element more
    this.#most = count + 2 * host.cpus;
    this.delta = delta;
    for (let i = 0; i < count; i++) this.#putHead(i, (i << 1) | 1, i >>> 31);
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

  /** Element with the key at `keyPhys`, 0 where there is none. */
  find(keyPhys: number, hash: number): Addr {
    const { view } = this.#host.memory;
    const hashAt = this.#hashAt;
    const keyAt = this.#keyAt;
    const { delta } = this;
    let at = this.#head(hash & this.mask);
    for (let left = this.#most; ; left--) {
      if (left === 0) throw new KernelBug(ENDLESS);
      const lo = view.getInt32(at, true);
      if (lo & 1) return 0;
      const elem = addrOf(lo, view.getInt32(at + 4, true));
      at = elem - delta;
      if (view.getInt32(at + hashAt, true) !== hash) continue;
      if (this.#isKey(at + keyAt, keyPhys)) return elem;
    }
  }
  #isKey(at: number, keyPhys: number): boolean {
    const { u8, i32 } = this.#host.memory;
    const size = this.#keySize;
    let i = 0;
    if (((at | keyPhys | size) & 3) === 0) {
      const words = size >> 2;
      while (i < words && i32[(at >> 2) + i] === i32[(keyPhys >> 2) + i]) i++;
      return i === words;
    }
    while (i < size && u8[at + i] === u8[keyPhys + i]) i++;
    return i === size;
  }

  /** Puts an element in front of its bucket's list (`hlist_nulls_add_head_rcu`). */
  link(elem: Addr, hash: number): void {
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
