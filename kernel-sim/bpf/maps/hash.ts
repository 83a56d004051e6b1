/**
 * Hash maps: Linux 6.12 Documentation/bpf/map_hash.rst. Buckets are `struct bucket` with a list that ends in a
 * marker (include/linux/rculist_nulls.h), elements `struct htab_elem`: lists, hash, key, value, all in guest
 * memory, because programs hold pointers to values and inlined lookups step from the element to its value.
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { PAGE_OFFSET } from '../../../src/machine/index.ts';
import {
  BPF_EXIST,
  BPF_F_LOCK,
  BPF_F_NO_COMMON_LRU,
  BPF_F_NO_PREALLOC,
  BPF_F_ZERO_SEED,
  BPF_MAP_TYPE,
  BPF_NOEXIST,
} from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { Buckets } from './buckets.ts';
import { HashEntries } from './hash-entries.ts';
import { Lru } from './lru.ts';
import { BpfMap, contiguous, copyIn, type MapAttrs, type MapContext, movePhys, type WalkCursor } from './map.ts';

const roundUp8 = (n: number): number => (n + 7) & ~7;
const powerOfTwo = (n: number): number => 2 ** Math.ceil(Math.log2(Math.max(1, n)));

/** LRU maps that split their nodes between CPUs have a multiple of their number. */
function withLruShare(context: MapContext, attrs: MapAttrs): MapAttrs {
  if (!isLruType(attrs.type) || (attrs.flags & BPF_F_NO_COMMON_LRU) === 0) return attrs;
  const { cpus } = context.host;
  const up = Math.ceil(attrs.maxEntries / cpus) * cpus;
  return { ...attrs, maxEntries: up > 0xffff_ffff ? Math.floor(attrs.maxEntries / cpus) * cpus : up };
}
const isLruType = (type: number): boolean => type === BPF_MAP_TYPE.LRU_HASH || type === BPF_MAP_TYPE.LRU_PERCPU_HASH;
const isPercpuType = (type: number): boolean =>
  type === BPF_MAP_TYPE.PERCPU_HASH || type === BPF_MAP_TYPE.LRU_PERCPU_HASH;

export class HashMap extends BpfMap {
  readonly isLru: boolean;
  readonly isPercpu: boolean;
  readonly #prealloc: boolean;
  readonly #elemSize: number;
  readonly #valueAt: number;
  readonly #seed: number;
  readonly #table: Buckets;
  readonly #elems: Addr = 0;
  readonly #keyAt: number;
  readonly #lru: Lru | undefined;
  /** elements that are free, last freed first: preallocated maps only */
  readonly #free: Addr[] = [];
  /** how many elements, from the first one on, never were in use */
  readonly #fresh = { count: 0 };
  /** one element a CPU, which an update of an existing key fills before the old element goes */
  readonly #extra: Addr[] = [];
  /** a key, and a value behind it, that came as bytes; its physical address */
  readonly #bounceAt: Addr;
  readonly #bounce: number;
  readonly #countPhys: number;

  constructor(context: MapContext, given: MapAttrs) {
    const attrs = withLruShare(context, given);
    const { bpf_htab: f, htab_elem: e } = context.layout;
    super(context, attrs, f.sizeof);
    const { memory, cpus } = this.host;
    this.isLru = isLruType(attrs.type);
    this.isPercpu = isPercpuType(attrs.type);
    this.#prealloc = (attrs.flags & BPF_F_NO_PREALLOC) === 0;
    this.#keyAt = e.key;
    this.#valueAt = e.key + roundUp8(attrs.keySize);
    this.#elemSize = this.#valueAt + (this.isPercpu ? 8 : roundUp8(attrs.valueSize));
    const buckets = powerOfTwo(attrs.maxEntries);
    this.#seed = attrs.flags & BPF_F_ZERO_SEED ? 0 : this.host.random() | 0;
    const bucketsAt = this.areaAlloc(buckets * context.layout.bucket.sizeof);
    const table = (delta: number): Buckets =>
      new Buckets(this.host, this.layout, bucketsAt, this.phys(bucketsAt), buckets, delta, attrs.keySize);
    this.#bounceAt = this.areaAlloc(roundUp8(attrs.keySize) + roundUp8(attrs.valueSize));
    this.#bounce = this.phys(this.#bounceAt);
    memory.writeAddr(this.addr + f.buckets, bucketsAt);
    memory.writeU32(this.addr + f.n_buckets, buckets);
    memory.writeU32(this.addr + f.elem_size, this.#elemSize);
    memory.writeU32(this.addr + f.hashrnd, this.#seed);
    this.#countPhys = this.phys(this.addr) + f.count;
    if (!this.#prealloc) {
      this.#table = table(PAGE_OFFSET);
      return;
    }
    const extra = this.isLru || this.isPercpu ? 0 : cpus;
    const count = attrs.maxEntries + extra;
    this.#elems = this.areaAlloc(count * this.#elemSize);
    this.#table = table(this.#elems - this.phys(this.#elems));
    memory.writeAddr(this.addr + f.elems, this.#elems);
    if (this.isPercpu) {
      for (let n = 0; n < count; n++)
        this.#writePercpu(this.#elems + n * this.#elemSize, this.host.percpuAlloc(roundUp8(attrs.valueSize)));
    }
    if (this.isLru) {
      this.#lru = new Lru(
        { isRef: (n) => this.#isRef(n), clearRef: (n) => this.#clearRef(n), unlink: (n) => this.#unlinkNode(n) },
        count,
        cpus,
        (attrs.flags & BPF_F_NO_COMMON_LRU) !== 0,
      );
    } else {
      this.#fresh.count = count;
      for (let cpu = 0; cpu < extra; cpu++) this.#extra.push(this.#takeFree());
    }
  }

  protected override get hostState(): readonly object[] {
    return [this.#table, this.#free, this.#fresh, this.#extra, ...(this.#lru?.hostState ?? [])];
  }
  /** bytes of a value as elements hold it */
  protected get storedSize(): number {
    return this.valueSize;
  }
  get #count(): number {
    return this.host.memory.view.getInt32(this.#countPhys, true);
  }
  set #count(n: number) {
    this.host.memory.view.setInt32(this.#countPhys, n, true);
  }

  override get userValueSize(): number {
    return this.isPercpu ? roundUp8(this.valueSize) * this.host.cpus : this.valueSize;
  }

  // --- keys and per-CPU values ---

  #keyPhys(key: Addr): number {
    return contiguous(this.host, key, this.keySize, this.#bounce);
  }
  #hash(keyPhys: number): number {
    return this.#table.hash(keyPhys, this.#seed);
  }
  #writePercpu(elem: Addr, pointer: number): void {
    this.#table.put(elem - this.#table.delta + this.#valueAt, pointer);
  }
  #percpuPointer(elem: Addr): number {
    return this.#table.get(elem - this.#table.delta + this.#valueAt);
  }

  // --- LRU nodes are element numbers ---

  #nodeAt(node: number): number {
    return this.#elems - this.#table.delta + node * this.#elemSize;
  }
  #isRef(node: number): boolean {
    return (
      this.host.memory.u8[this.#nodeAt(node) + this.layout.htab_elem.lru_node + this.layout.bpf_lru_node.ref] !== 0
    );
  }
  #clearRef(node: number): void {
    this.host.memory.u8[this.#nodeAt(node) + this.layout.htab_elem.lru_node + this.layout.bpf_lru_node.ref] = 0;
  }
  #setRef(elem: Addr): void {
    const { htab_elem, bpf_lru_node } = this.layout;
    this.host.memory.u8[elem - this.#table.delta + htab_elem.lru_node + bpf_lru_node.ref] = 1;
  }
  #unlinkNode(node: number): boolean {
    const elem = this.#elems + node * this.#elemSize;
    if (!this.#table.isLinked(elem)) return false;
    this.#table.unlink(elem);
    this.#count--;
    this.dropped(elem);
    return true;
  }
  #node(elem: Addr): number {
    return (elem - this.#elems) / this.#elemSize;
  }

  // --- operations ---

  /** `__htab_map_lookup_elem`: the element, whose value follows its key. */
  lookupElem(key: Addr): Addr {
    const keyPhys = this.#keyPhys(key);
    return this.#table.find(keyPhys, this.#hash(keyPhys));
  }
  /** offset of the value in the element */
  get valueOffset(): number {
    return this.#valueAt;
  }
  override lookup(key: Addr): Addr {
    const elem = this.lookupElem(key);
    if (elem === 0) return 0;
    if (this.isLru) this.#setRef(elem);
    return this.elemValue(elem, this.host.cpu());
  }
  override lookupPercpu(key: Addr, cpu: number): Addr {
    if (!this.isPercpu || cpu >= this.host.cpus) return 0;
    const elem = this.lookupElem(key);
    if (elem === 0) return 0;
    if (this.isLru) this.#setRef(elem);
    return this.elemValue(elem, cpu);
  }
  protected elemValue(elem: Addr, cpu: number): Addr {
    return this.isPercpu ? this.host.perCpuPtr(this.#percpuPointer(elem), cpu) : elem + this.#valueAt;
  }

  override lookupUser(key: Addr): Uint8Array | number {
    const elem = this.lookupElem(key);
    return elem === 0 ? -ERRNO.ENOENT : this.copyOut(elem);
  }
  protected copyOut(elem: Addr): Uint8Array {
    const { memory, cpus } = this.host;
    if (!this.isPercpu) return this.seen(memory.readBytes(elem + this.#valueAt, this.valueSize));
    const each = roundUp8(this.valueSize);
    const out = new Uint8Array(each * cpus);
    for (let cpu = 0; cpu < cpus; cpu++) out.set(memory.readBytes(this.elemValue(elem, cpu), each), cpu * each);
    return this.seen(out, each);
  }

  override update(key: Addr, value: Addr, flags: number): number {
    return this.#update(this.#keyPhys(key), value, flags, false);
  }
  override updateUser(key: Addr, value: Addr, flags: number): number {
    return this.#update(this.#keyPhys(key), value, flags, true);
  }

  /** `bounced`: the value lies behind the key that came as bytes */
  #update(keyPhys: number, value: Addr, flags: number, allCpus: boolean, bounced = false): number {
    const allowed = this.isLru || this.isPercpu ? flags : flags & ~BPF_F_LOCK;
    if (allowed >>> 0 > BPF_EXIST || (flags & BPF_F_LOCK && !this.hasSpinLock)) return -ERRNO.EINVAL;
    const hash = this.#hash(keyPhys);
    // An LRU map takes its node first, which may throw out another element, even the one with this key.
    let lruNode = -1;
    if (this.#lru && !(this.isPercpu && flags === BPF_EXIST)) {
      lruNode = this.#lru.pop(this.host.cpu());
      if (lruNode < 0) return -ERRNO.ENOMEM;
    }
    const old = this.#table.find(keyPhys, hash);
    const err = old !== 0 ? (flags & BPF_NOEXIST ? -ERRNO.EEXIST : 0) : flags & BPF_EXIST ? -ERRNO.ENOENT : 0;
    if (err !== 0) {
      if (lruNode >= 0) this.#lru!.push(lruNode);
      return err;
    }
    if (old !== 0 && this.isPercpu) {
      this.#copyPercpu(old, value, allCpus, true);
      if (this.isLru) this.#setRef(old);
      if (lruNode >= 0) this.#lru!.push(lruNode);
      return 0;
    }
    if (old !== 0 && flags & BPF_F_LOCK) {
      this.#copyIn(old, value);
      this.#freeFields(old);
      return 0;
    }
    const elem = lruNode >= 0 ? this.#elems + lruNode * this.#elemSize : this.#alloc(old);
    if (typeof elem === 'number' && elem === 0) return -this.#allocError;
    const at = elem - this.#table.delta;
    const { memory } = this.host;
    movePhys(memory, at + this.#keyAt, keyPhys, this.keySize);
    if (this.isPercpu) {
      this.#zeroPercpu(elem);
      this.#copyPercpu(elem, value, allCpus, false);
    } else if (bounced) {
      movePhys(memory, at + this.#valueAt, keyPhys + roundUp8(this.keySize), this.valueSize);
    } else {
      this.fields?.zero(memory.u8, at + this.#valueAt);
      this.#copyIn(elem, value);
    }
    this.#table.link(elem, hash);
    if (old === 0) {
      this.#count++;
    } else {
      if (this.#lru) this.#setRef(elem);
      this.#table.unlink(old);
      this.dropped(old);
      this.#replaced(old);
    }
    return 0;
  }

  #allocError: number = ERRNO.E2BIG;

  /** The element that became free last, else the last of those that never were in use; 0 where there is none. */
  #takeFree(): Addr {
    const elem = this.#free.pop();
    if (elem !== undefined) return elem;
    return this.#fresh.count === 0 ? 0 : this.#elems + --this.#fresh.count * this.#elemSize;
  }

  /** A new element; 0 with {@link #allocError} where there is none. */
  #alloc(old: Addr): Addr {
    if (this.#prealloc) {
      if (old !== 0 && this.#extra.length > 0) {
        // The old element becomes the CPU's spare in #replaced.
        return this.#extra[this.host.cpu()]!;
      }
      this.#allocError = ERRNO.E2BIG;
      return this.#takeFree();
    }
    if (old === 0 && this.#count >= this.maxEntries) {
      this.#allocError = ERRNO.E2BIG;
      return 0;
    }
    const elem = this.host.kmalloc(this.#elemSize);
    if (this.isPercpu)
      this.#table.put(elem - PAGE_OFFSET + this.#valueAt, this.host.percpuAlloc(roundUp8(this.valueSize)));
    return elem;
  }
  #replaced(old: Addr): void {
    if (this.#lru) this.#lru.push(this.#node(old));
    else if (this.#prealloc) this.#extra[this.host.cpu()] = old;
    else this.#release(old);
  }
  #freeElem(elem: Addr): void {
    this.dropped(elem);
    this.#release(elem);
  }
  #release(elem: Addr): void {
    if (this.#lru) this.#lru.push(this.#node(elem));
    else if (this.#prealloc) this.#free.push(elem);
    else {
      if (this.isPercpu) this.host.percpuFree(this.#percpuPointer(elem));
      this.host.kfree(elem);
    }
  }
  /** An element is about to be freed. */
  protected dropped(elem: Addr): void {
    this.#freeFields(elem);
  }
  #freeFields(elem: Addr): void {
    if (this.fields === undefined) return;
    const copies = this.isPercpu ? this.host.cpus : 1;
    for (let cpu = 0; cpu < copies; cpu++) this.fields.free(this.elemValue(elem, cpu));
  }

  #copyIn(elem: Addr, value: Addr): void {
    const to = elem - this.#table.delta + this.#valueAt;
    if (this.fields) this.fields.copy(this.host.memory, to, value, this.storedSize);
    else copyIn(this.host.memory, to, value, this.storedSize);
  }
  /** `held`: what fields of the value that is written over hold is let go of */
  #copyPercpu(elem: Addr, value: Addr, allCpus: boolean, held: boolean): void {
    const { memory, cpus } = this.host;
    const each = roundUp8(this.valueSize);
    const copy = (cpu: number, from: Addr, size: number): void => {
      const at = this.elemValue(elem, cpu);
      if (this.fields === undefined) copyIn(memory, this.phys(at), from, size);
      else this.fields.copy(memory, this.phys(at), from, size);
      if (held) this.fields?.free(at);
    };
    if (!allCpus) {
      copy(this.host.cpu(), value, this.valueSize);
      return;
    }
    for (let cpu = 0; cpu < cpus; cpu++) {
      // whole words: what user space put behind a value comes back
      copy(cpu, value + cpu * each, each);
    }
  }
  #zeroPercpu(elem: Addr): void {
    for (let cpu = 0; cpu < this.host.cpus; cpu++) {
      this.host.memory.fillBytes(this.elemValue(elem, cpu), 0, roundUp8(this.valueSize));
    }
  }

  override delete(key: Addr): number {
    const elem = this.lookupElem(key);
    if (elem === 0) return -ERRNO.ENOENT;
    this.#drop(elem);
    return 0;
  }
  #drop(elem: Addr): void {
    this.#table.unlink(elem);
    this.#count--;
    this.#freeElem(elem);
  }

  // --- user space's keys and values as bytes ---

  /** Whether keys and values may come and go as bytes: the value is all that is to be copied. */
  get takesBytes(): boolean {
    return this.constructor === HashMap && !this.isPercpu && !this.isLru && this.fields === undefined;
  }
  lookupBytes(key: Uint8Array): Uint8Array | undefined {
    const at = this.#locateBytes(key);
    return at === 0 ? undefined : this.#valueBytes(at);
  }
  putBytes(key: Uint8Array, value: Uint8Array, flags: number): number {
    const { u8 } = this.host.memory;
    u8.set(key, this.#bounce);
    u8.set(value, this.#bounce + roundUp8(this.keySize));
    return this.#update(this.#bounce, this.#bounceAt + roundUp8(this.keySize), flags, false, true);
  }
  #locateBytes(key: Uint8Array): number {
    this.host.memory.u8.set(key, this.#bounce);
    return this.#table.locate(this.#bounce, this.#hash(this.#bounce));
  }
  #valueBytes(at: number): Uint8Array {
    return this.host.memory.u8.slice(at + this.#valueAt, at + this.#valueAt + this.valueSize);
  }
  /**
   * Keys and values as MAP_GET_NEXT_KEY and MAP_LOOKUP_ELEM give them in turn. `before` is called before each command: it
   * throws where there can be none any more.
   */
  entriesBytes(before: () => void): IterableIterator<[key: Uint8Array, value: Uint8Array]> {
    const { u8 } = this.host.memory;
    return new HashEntries(
      {
        table: this.#table,
        key: (at) => u8.slice(at + this.#keyAt, at + this.#keyAt + this.keySize),
        value: (at) => this.#valueBytes(at),
        locate: (key) => this.#locateBytes(key),
        valueAt: this.#valueAt,
      },
      before,
    );
  }

  override nextKey(key: Addr, next: Addr): number {
    if (key === 0) return this.#giveKey(this.#table.first(), next);
    const keyPhys = this.#keyPhys(key);
    const hash = this.#hash(keyPhys);
    const elem = this.#table.find(keyPhys, hash);
    // a key that is not there starts over
    return this.#giveKey(elem === 0 ? this.#table.first() : this.#table.after(elem, hash), next);
  }
  #giveKey(elem: Addr, next: Addr): number {
    if (elem === 0) return -ERRNO.ENOENT;
    const { memory } = this.host;
    memory.writeBytes(next, memory.readBytes(elem + this.#keyAt, this.keySize));
    return 0;
  }

  /** In bucket order. What comes next is known before the callback, which may delete its element. */
  override walkNext(cursor: WalkCursor): number {
    const table = this.#table;
    // `element` is the next one of the bucket, 1 where there is none
    let elem = cursor.element;
    if (elem === 0) elem = table.head(0);
    while (elem === 1 && cursor.position < table.mask) elem = table.head(++cursor.position);
    cursor.element = elem === 1 ? 1 : table.next(elem);
    cursor.key = elem === 1 ? 0 : elem + this.#keyAt;
    if (elem !== 1) cursor.value = this.elemValue(elem, this.host.cpu());
    return 0;
  }

  /** `htab_map_mem_usage` */
  override get memoryUsage(): number {
    const { cpus } = this.host;
    const extra = this.isLru || this.isPercpu ? 0 : cpus;
    // ... and a lock count of each CPU for each of eight groups of buckets
    const fixed = this.layout.bpf_htab.sizeof + this.layout.bucket.sizeof * this.bucketCount + 4 * 8 * cpus;
    const each = this.#elemSize + (this.isPercpu ? roundUp8(this.valueSize) * cpus : 0);
    if (!this.#prealloc) return fixed + each * this.#count;
    return fixed + each * (this.maxEntries + extra) + 8 * extra;
  }
  get bucketCount(): number {
    return this.#table.mask + 1;
  }
  /** Entries of a bucket as user space gets them, in the list's order. */
  bucket(n: number): { readonly key: Uint8Array; readonly value: Uint8Array }[] {
    const { memory } = this.host;
    return [...this.#table.inBucket(n)].map((elem) => ({
      key: memory.readBytes(elem + this.#keyAt, this.keySize),
      value: this.copyOut(elem),
    }));
  }
  /** The kernel's own deletion of a bucket's entries by their keys. */
  deleteBytes(key: Uint8Array): number {
    const at = this.#locateBytes(key);
    if (at === 0) return -ERRNO.ENOENT;
    this.#drop(at + this.#table.delta);
    return 0;
  }

  override get canLookupAndDelete(): boolean {
    return true;
  }
  override get canBatch(): boolean {
    return true;
  }
  protected override free(): void {
    for (const elem of [...this.#table.elements()]) {
      this.#table.unlink(elem);
      this.dropped(elem);
      if (!this.#prealloc) {
        if (this.isPercpu) this.host.percpuFree(this.#percpuPointer(elem));
        this.host.kfree(elem);
      }
    }
    if (this.#prealloc && this.isPercpu) {
      for (let n = 0; n < this.maxEntries; n++)
        this.host.percpuFree(this.#percpuPointer(this.#elems + n * this.#elemSize));
    }
  }
}
