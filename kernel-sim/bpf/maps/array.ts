/** Array maps: Linux 6.12 Documentation/bpf/map_array.rst (BPF_MAP_TYPE_ARRAY and _PERCPU_ARRAY). */
import { type Addr, addrHi, addrLo } from '../../../src/machine/addr.ts';
import {
  BPF_ANY,
  BPF_EXIST,
  BPF_F_INNER_MAP,
  BPF_F_LOCK,
  BPF_F_MMAPABLE,
  BPF_NOEXIST,
} from '../../../src/uapi/index.ts';
import { ERRNO } from '../../core/errno.ts';
import { shallow } from '../../core/state.ts';
import { BpfMap, type MapAttrs, type MapContext, type MappedPages, type WalkCursor } from './map.ts';

const roundUp8 = (n: number): number => (n + 7) & ~7;

/** Index mask against speculation: the next power of two, minus one. */
const indexMask = (entries: number): number => (entries <= 1 ? 0 : 2 ** Math.ceil(Math.log2(entries)) - 1);

/** Elements that there is room for: where indices are masked, all that the mask lets through. */
const room = ({ maxEntries, bypassSpecV1 }: MapAttrs): number =>
  bypassSpecV1 === false ? indexMask(maxEntries) + 1 : maxEntries;

/** Index that the key's four bytes give. */
abstract class IndexedMap extends BpfMap {
  protected index(key: Addr): number {
    return this.host.memory.load32(addrLo(key), addrHi(key)) >>> 0;
  }

  override delete(_key: Addr): number {
    return -ERRNO.EINVAL;
  }

  override nextKey(key: Addr, next: Addr): number {
    const { memory } = this.host;
    const index = key === 0 ? 0xffff_ffff : this.index(key);
    if (index >= this.maxEntries) {
      memory.writeU32(next, 0);
      return 0;
    }
    if (index === this.maxEntries - 1) return -ERRNO.ENOENT;
    memory.writeU32(next, index + 1);
    return 0;
  }

  /** Errors that array updates share, in Linux's order; 0 where the update may go on. */
  protected checkUpdate(index: number, flags: number): number {
    if ((flags & ~BPF_F_LOCK) >>> 0 > BPF_EXIST) return -ERRNO.EINVAL;
    if (index >= this.maxEntries) return -ERRNO.E2BIG;
    if (flags & BPF_NOEXIST) return -ERRNO.EEXIST;
    return flags & BPF_F_LOCK && !this.hasSpinLock ? -ERRNO.EINVAL : 0;
  }

  protected keyBuffer(index: number, buffer: Addr): Addr {
    this.host.memory.writeU32(buffer, index);
    return buffer;
  }
}

export class ArrayMap extends IndexedMap {
  readonly elemSize: number;
  readonly #value: Addr;
  readonly #phys: number;
  readonly #pages: number;
  readonly #keyBuffer: Addr;

  constructor(context: MapContext, attrs: MapAttrs) {
    const { bpf_array: f } = context.layout;
    const elemSize = roundUp8(attrs.valueSize);
    const mask = indexMask(attrs.maxEntries);
    const mmapable = (attrs.flags & BPF_F_MMAPABLE) !== 0;
    const data = elemSize * room(attrs);
    // A map that user space may map has its values on pages of their own, the structure on the end of the page before.
    super(context, attrs, f.value + data, mmapable ? f.value : undefined);
    this.elemSize = elemSize;
    this.#value = this.addr + f.value;
    this.#pages = mmapable ? Math.ceil(data / 4096) * 4096 : 0;
    this.#phys = this.phys(this.#value);
    this.#keyBuffer = this.areaAlloc(8);
    const { memory } = this.host;
    memory.writeU32(this.addr + f.elem_size, elemSize);
    memory.writeU32(this.addr + f.index_mask, mask);
  }

  override lookup(key: Addr): Addr {
    const index = this.index(key);
    return index < this.maxEntries ? this.#value + index * this.elemSize : 0;
  }

  override update(key: Addr, value: Addr, flags: number): number {
    const index = this.index(key);
    const err = this.checkUpdate(index, flags);
    if (err !== 0) return err;
    const at = this.#phys + index * this.elemSize;
    const { memory } = this.host;
    if (this.fields) {
      this.fields.copy(memory, at, value, this.valueSize);
      this.fields.free(this.#value + index * this.elemSize);
    } else memory.u8.set(memory.readBytes(value, this.valueSize), at);
    return 0;
  }

  override walkNext(cursor: WalkCursor): number {
    const index = cursor.position++;
    cursor.key = index < this.maxEntries ? this.keyBuffer(index, this.#keyBuffer) : 0;
    cursor.value = this.#value + index * this.elemSize;
    return 0;
  }

  override get directValue(): Addr | undefined {
    return this.maxEntries === 1 ? this.#value : undefined;
  }
  override get canBatch(): boolean {
    return true;
  }
  override get canBatchDelete(): boolean {
    return false;
  }
  protected override mappable(offset: number, bytes: number): MappedPages | number {
    if (this.#pages === 0 || offset + bytes > this.#pages) return -ERRNO.EINVAL;
    return [{ phys: this.#phys + offset, bytes }];
  }
  get isInnerVariable(): boolean {
    return (this.flags & BPF_F_INNER_MAP) !== 0;
  }
}

export class PercpuArrayMap extends IndexedMap {
  readonly elemSize: number;
  readonly #pointers: number[] = [];
  readonly #keyBuffer: Addr;

  constructor(context: MapContext, attrs: MapAttrs) {
    const { bpf_array: f } = context.layout;
    super(context, attrs, f.pptrs + 8 * room(attrs));
    this.elemSize = roundUp8(attrs.valueSize);
    const { memory } = this.host;
    memory.writeU32(this.addr + f.elem_size, this.elemSize);
    memory.writeU32(this.addr + f.index_mask, indexMask(attrs.maxEntries));
    for (let i = 0; i < room(attrs); i++) {
      const pointer = this.host.percpuAlloc(this.elemSize);
      this.#pointers.push(pointer);
      memory.writeAddr(this.addr + f.pptrs + 8 * i, pointer);
    }
    this.#keyBuffer = this.areaAlloc(8);
  }

  override get userValueSize(): number {
    return this.elemSize * this.host.cpus;
  }
  override lookup(key: Addr): Addr {
    return this.lookupPercpu(key, this.host.cpu());
  }
  override lookupPercpu(key: Addr, cpu: number): Addr {
    const index = this.index(key);
    if (cpu >= this.host.cpus || index >= this.maxEntries) return 0;
    return this.host.perCpuPtr(this.#pointers[index]!, cpu);
  }
  override lookupUser(key: Addr): Uint8Array | number {
    const pointer = this.#pointers[this.index(key)];
    if (pointer === undefined) return -ERRNO.ENOENT;
    const out = new Uint8Array(this.userValueSize);
    for (let cpu = 0; cpu < this.host.cpus; cpu++) {
      out.set(this.host.memory.readBytes(this.host.perCpuPtr(pointer, cpu), this.elemSize), cpu * this.elemSize);
    }
    return this.seen(out, this.elemSize);
  }
  override update(key: Addr, value: Addr, flags: number): number {
    const index = this.index(key);
    const err = this.checkUpdate(index, flags);
    if (err !== 0) return err;
    this.#write(index, this.host.cpu(), value, this.valueSize);
    return 0;
  }
  #write(index: number, cpu: number, from: Addr, size: number): void {
    const { memory } = this.host;
    const at = this.host.perCpuPtr(this.#pointers[index]!, cpu);
    if (this.fields) {
      this.fields.copy(memory, this.phys(at), from, size);
      this.fields.free(at);
    } else memory.writeBytes(at, memory.readBytes(from, size));
  }
  override updateUser(key: Addr, value: Addr, flags: number): number {
    if (flags > BPF_EXIST) return -ERRNO.EINVAL;
    const index = this.index(key);
    if (index >= this.maxEntries) return -ERRNO.E2BIG;
    if (flags === BPF_NOEXIST) return -ERRNO.EEXIST;
    for (let cpu = 0; cpu < this.host.cpus; cpu++) this.#write(index, cpu, value + cpu * this.elemSize, this.elemSize);
    return 0;
  }
  override walkNext(cursor: WalkCursor): number {
    const index = cursor.position++;
    cursor.key = 0;
    if (index >= this.maxEntries) return 0;
    cursor.key = this.keyBuffer(index, this.#keyBuffer);
    cursor.value = this.host.perCpuPtr(this.#pointers[index]!, this.host.cpu());
    return 0;
  }
  override get canBatch(): boolean {
    return true;
  }
  override get canBatchDelete(): boolean {
    return false;
  }
  protected override free(): void {
    for (const pointer of this.#pointers) {
      if (this.fields)
        for (let cpu = 0; cpu < this.host.cpus; cpu++) this.fields.free(this.host.perCpuPtr(pointer, cpu));
      this.host.percpuFree(pointer);
    }
  }
}

/** An array whose slots hold pointers to kernel objects; user space writes descriptors and reads ids. */
export abstract class FdArrayMap extends IndexedMap {
  readonly slots: (FdSlot | undefined)[];
  readonly #ptrs: Addr;

  constructor(context: MapContext, attrs: MapAttrs) {
    const { bpf_array: f } = context.layout;
    super(context, attrs, f.ptrs + 8 * room(attrs));
    this.slots = new Array<FdSlot | undefined>(attrs.maxEntries);
    this.#ptrs = this.addr + f.ptrs;
    this.host.memory.writeU32(this.addr + f.elem_size, roundUp8(attrs.valueSize));
    this.host.memory.writeU32(this.addr + f.index_mask, indexMask(attrs.maxEntries));
  }

  protected override get hostState(): readonly object[] {
    return [shallow(this.slots)];
  }
  /** The object behind a descriptor, or a negative error number. */
  protected abstract resolveFd(fd: number): FdSlot | number;
  protected changed(_index: number, _old: FdSlot | undefined, _now: FdSlot | undefined): void {}

  override lookup(_key: Addr): Addr {
    return 0;
  }
  /** Address of the slot's object. */
  slotAddr(index: number): Addr {
    return index < this.maxEntries ? (this.slots[index]?.addr ?? 0) : 0;
  }
  override lookupUser(key: Addr): Uint8Array | number {
    const slot = this.slots[this.index(key)];
    if (slot === undefined || this.index(key) >= this.maxEntries) return -ERRNO.ENOENT;
    const out = new Uint8Array(4);
    new DataView(out.buffer).setUint32(0, slot.id, true);
    return out;
  }
  override updateUser(key: Addr, value: Addr, flags: number): number {
    if (flags !== BPF_ANY) return -ERRNO.EINVAL;
    const index = this.index(key);
    if (index >= this.maxEntries) return -ERRNO.E2BIG;
    const slot = this.resolveFd(this.host.memory.readU32(value) | 0);
    if (typeof slot === 'number') return slot;
    this.set(index, slot);
    return 0;
  }
  override delete(key: Addr): number {
    const index = this.index(key);
    if (index >= this.maxEntries) return -ERRNO.E2BIG;
    if (this.slots[index] === undefined) return -ERRNO.ENOENT;
    this.set(index, undefined);
    return 0;
  }
  set(index: number, slot: FdSlot | undefined): void {
    const old = this.slots[index];
    slot?.get?.();
    this.slots[index] = slot;
    this.host.memory.writeAddr(this.#ptrs + 8 * index, slot?.addr ?? 0);
    this.changed(index, old, slot);
    old?.put?.();
  }
  protected override free(): void {
    for (let i = 0; i < this.slots.length; i++) if (this.slots[i]) this.set(i, undefined);
  }
}

/** What lies in a slot. */
export interface FdSlot {
  readonly addr: Addr;
  readonly id: number;
  get?(): unknown;
  put?(): void;
}
