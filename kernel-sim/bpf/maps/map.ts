/**
 * What all maps have in common: `struct bpf_map` at its address, and the operations that bpf(2), helpers and
 * other maps ask of it (`struct bpf_map_ops`; Linux 6.12 Documentation/bpf/maps.rst).
 *
 * Keys and values are passed as guest addresses, as in the kernel; answers are 0 or a negative error number.
 */

import { type Addr, addrHi, addrLo } from '../../../src/machine/addr.ts';
import type { GuestMemory } from '../../../src/machine/index.ts';
import { encodeUtf8 } from '../../../src/platform/index.ts';
import { BPF_F_RDONLY, BPF_F_RDONLY_PROG, BPF_F_WRONLY, mapTypeName } from '../../../src/uapi/index.ts';
import { PROT } from '../../../src/uapi/process.ts';
import { ERRNO, type Errno } from '../../core/errno.ts';
import type { Mapping } from '../../core/file-ops.ts';
import { Listeners } from '../../core/listeners.ts';
import type { MapLayout } from '../../core/map-layout.ts';
import { capture, reinstate } from '../../core/state.ts';
import type { ProgRef } from '../../probe/types.ts';
import type { BtfObject } from '../objects/btf-object.ts';
import type { OpsRegistry } from '../struct-ops/row.ts';
import type { OpsMember, StructOpsType } from '../struct-ops/type.ts';
import type { MapHost } from './host.ts';
import type { ValueFields } from './value-fields.ts';

/** Attributes of MAP_CREATE after validation, numbers throughout. */
export interface MapAttrs {
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: number;
  readonly numaNode: number;
  readonly name: string;
  /** map-in-map: the template */
  readonly inner?: BpfMap;
  /** the loader need not fear speculation: indices get no mask; true where absent */
  readonly bypassSpecV1?: boolean;
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
  readonly btfVmlinuxValueTypeId: number;
}

/** What a kind of map needs to come into being. */
export interface MapContext {
  readonly host: MapHost;
  readonly layout: MapLayout;
  /** for maps that hold other objects */
  readonly objects: MapObjects;
  readonly structOps: StructOpsSupply;
}

/** What maps of functions need. */
export interface StructOpsSupply {
  /** by the BTF id of a value's type */
  type(id: number): StructOpsType | undefined;
  /** where such structures are registered; undefined where they are not */
  registry(name: string): OpsRegistry | undefined;
  /** machine code that calls a program in the place of a function */
  image(prog: ProgTarget, func: NonNullable<OpsMember['func']>): Addr;
  free(image: Addr): void;
}

/** Objects that a map may hold, by descriptor or index. @throws BpfError EBADF, EINVAL and what else the kind's maps fail with */
export interface MapObjects {
  prog(fd: number): ProgTarget;
  map(fd: number): BpfMap;
  perf(fd: number): MapTarget;
  cgroup(fd: number): MapTarget;
  /** by ifindex */
  netdev(index: number): MapTarget;
  socket(fd: number): MapTarget;
}

/** An object that lies in a map's slot: its guest address is what the slot holds. */
export interface MapTarget {
  readonly addr: Addr;
  readonly id: number;
}

/** A program as prog arrays see it: `bpf_prog_map_compatible` compares these. */
export interface ProgTarget extends MapTarget, ProgRef {
  readonly type: number;
  readonly jited: boolean;
  /** BTF id of what it was loaded for */
  readonly attachBtfId: number;
  readonly xdpHasFrags: boolean;
  readonly expectedAttachType: number;
  get(): unknown;
  put(): void;
}

/** Why a map cannot be made. @internal becomes the errno of MAP_CREATE */
export class MapCreateError extends Error {
  readonly errno: Errno;
  constructor(errno: Errno, message: string) {
    super(message);
    this.errno = errno;
  }
}

/** Runs of pages: an index into guest RAM, and bytes. */
export type MappedPages = readonly { readonly phys: number; readonly bytes: number }[];

const PAGE_ALLOC_COSTLY = 8 * 4096;
/** `atomic64_t` counters that a map starts with. */
const ONE = 1;
/** sizeof(struct btf_record) with a field, about */
const RECORD_BYTES = 64;

/** Where a walk over a map's elements is, from a cursor of zeros on, and the element that it came to. */
export class WalkCursor {
  /** index or bucket */
  position = 0;
  /** the kind's own: 0 in front of the first */
  element: Addr = 0;
  key: Addr = 0;
  /** its value, on this CPU */
  value: Addr = 0;
}

export abstract class BpfMap {
  readonly host: MapHost;
  readonly layout: MapLayout;
  readonly attrs: MapAttrs;
  /** address of `struct bpf_map`; the kind's own fields follow it */
  readonly addr: Addr;
  readonly fdName = 'anon_inode:bpf-map';
  id = 0;
  frozen = false;
  /** user space mappings that are writable, and syscalls that are writing */
  writers = 0;
  btf: unknown;
  /** the same, as an object with an id */
  btfObject: BtfObject | undefined;
  /** the value's BTF type has a bpf_spin_lock, and where */
  spinLockOffset = -1;
  /** of its values, where their BTF has any */
  fields: ValueFields | undefined;
  #refs = 1;
  /** told when the last reference goes, and once no program can be in the middle of using it */
  readonly gone = new Listeners<[]>();
  readonly freed = new Listeners<[]>();
  #areaBytes = 0;
  readonly #areas: { at: Addr; big: boolean }[] = [];

  /**
   * @param bytes size of the kind's structure with what follows it in the same allocation
   * @param pagesFrom where what follows is to start a page (values that user space maps): its offset in the structure
   */
  constructor(context: MapContext, attrs: MapAttrs, bytes: number, pagesFrom?: number) {
    this.host = context.host;
    this.layout = context.layout;
    this.attrs = attrs;
    this.addr =
      pagesFrom === undefined
        ? this.areaAlloc(Math.max(bytes, context.layout.bpf_map.sizeof))
        : this.areaAlloc(4096 + bytes - pagesFrom, true) + 4096 - pagesFrom;
    const f = context.layout.bpf_map;
    const { memory } = context.host;
    memory.writeU32(this.addr + f.map_type, attrs.type);
    memory.writeU32(this.addr + f.key_size, attrs.keySize);
    memory.writeU32(this.addr + f.value_size, attrs.valueSize);
    memory.writeU32(this.addr + f.max_entries, attrs.maxEntries);
    memory.writeAddr(this.addr + f.map_extra, attrs.mapExtra);
    memory.writeU32(this.addr + f.map_flags, attrs.flags);
    memory.writeU32(this.addr + f.numa_node, attrs.numaNode);
    memory.writeU32(this.addr + f.btf_key_type_id, attrs.btfKeyTypeId);
    memory.writeU32(this.addr + f.btf_value_type_id, attrs.btfValueTypeId);
    memory.writeBytes(this.addr + f.name, encodeUtf8(attrs.name.padEnd(16, '\0')).subarray(0, 16));
    memory.writeU32(this.addr + f.refcnt, ONE);
    memory.writeU32(this.addr + f.usercnt, ONE);
    memory.writeU8(this.addr + f.bypass_spec_v1, attrs.bypassSpecV1 === false ? 0 : 1);
    if (attrs.inner) memory.writeAddr(this.addr + f.inner_map_meta, attrs.inner.addr);
  }

  /** Its values have these fields; `struct btf_record` says so to kernel text. */
  setFields(fields: ValueFields): void {
    this.fields = fields;
    const record = this.host.kmalloc(RECORD_BYTES);
    this.host.memory.writeAddr(this.addr + this.layout.bpf_map.record, record);
    this.freed.add(() => this.host.kfree(record));
  }

  get type(): number {
    return this.attrs.type;
  }
  get keySize(): number {
    return this.attrs.keySize;
  }
  get valueSize(): number {
    return this.attrs.valueSize;
  }
  get maxEntries(): number {
    return this.attrs.maxEntries;
  }
  get flags(): number {
    return this.attrs.flags;
  }
  get name(): string {
    return this.attrs.name;
  }
  /** bytes of one value as bpf(2) passes it */
  get userValueSize(): number {
    return this.valueSize;
  }

  get hasSpinLock(): boolean {
    return this.spinLockOffset >= 0;
  }

  // --- what programs and bpf(2) do; a kind overrides what it has ---

  /** Address of the value for a key, 0 where there is none: `map_lookup_elem` as helpers see it. */
  lookup(_key: Addr): Addr {
    return 0;
  }
  update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.EOPNOTSUPP;
  }
  delete(_key: Addr): number {
    return -ERRNO.EOPNOTSUPP;
  }
  /** Writes the key after `key` (0: the first) to `next`. */
  nextKey(_key: Addr, _next: Addr): number {
    return -ERRNO.EOPNOTSUPP;
  }
  push(_value: Addr, _flags: number): number {
    return -ERRNO.EOPNOTSUPP;
  }
  pop(_value: Addr): number {
    return -ERRNO.EOPNOTSUPP;
  }
  peek(_value: Addr): number {
    return -ERRNO.EOPNOTSUPP;
  }
  /** The value of this CPU is what {@link lookup} gives; this one is another CPU's. */
  lookupPercpu(_key: Addr, _cpu: number): Addr {
    return 0;
  }
  /** Takes the cursor to the next element, its key 0 behind the last; 0, or an error where the kind has no walk. */
  walkNext(_cursor: WalkCursor): number {
    return -ERRNO.EOPNOTSUPP;
  }
  /** Address of the first value's first byte where programs may use values directly. */
  get directValue(): Addr | undefined {
    return undefined;
  }

  // --- what only bpf(2) does ---

  /** Copies the value out as user space gets it; a negative error number where there is none. */
  lookupUser(key: Addr): Uint8Array | number {
    const at = this.lookup(key);
    return at === 0 ? -ERRNO.ENOENT : this.seen(this.host.memory.readBytes(at, this.valueSize));
  }
  /** Values of `size` bytes, one or a CPU's each, without what user space is not shown. */
  protected seen(values: Uint8Array, size = values.length): Uint8Array {
    if (this.fields) for (let at = 0; at < values.length; at += size) this.fields.zero(values, at);
    return values;
  }
  /** `value` holds {@link userValueSize} bytes. */
  updateUser(key: Addr, value: Addr, flags: number): number {
    return this.update(key, value, flags);
  }
  lookupAndDelete(key: Addr): Uint8Array | number {
    const found = this.lookupUser(key);
    if (typeof found === 'number') return found;
    const err = this.delete(key);
    return err < 0 ? err : found;
  }
  /** Whether LOOKUP_AND_DELETE_ELEM and the batch commands are there. */
  get canLookupAndDelete(): boolean {
    return false;
  }
  get canBatch(): boolean {
    return false;
  }
  get canBatchDelete(): boolean {
    return this.canBatch;
  }
  /** Pages that mmap of the descriptor gives; a negative error number where it may not be mapped. */
  protected mappable(_offset: number, _bytes: number, _write: boolean): MappedPages | number {
    return -ERRNO.ENOTSUPP;
  }
  /** mmap(2) of a descriptor: `bpf_map_mmap` */
  mmap(offset: number, bytes: number, prot: number): Mapping | number {
    const writable = (prot & PROT.WRITE) !== 0;
    if (this.hasSpinLock) return -ERRNO.ENOTSUPP;
    if (writable && this.frozen) return -ERRNO.EPERM;
    if (writable && this.flags & BPF_F_RDONLY_PROG) return -ERRNO.EACCES;
    const pages = this.mappable(offset, bytes, writable);
    if (typeof pages === 'number') return pages;
    this.get();
    if (writable) this.writers++;
    let mapped = true;
    const unmap = (): void => {
      if (!mapped) return;
      mapped = false;
      if (writable) this.writers--;
      this.put();
    };
    return { pages, writable, unmap };
  }

  // --- marks ---

  /** What the kind keeps outside of guest memory, as containers and rows that stay the same objects. */
  protected get hostState(): readonly object[] {
    return [];
  }
  save() {
    const { id, frozen, writers, btf, btfObject, spinLockOffset, pins } = this;
    const fields = { id, frozen, writers, btf, btfObject, spinLockOffset, pins, fields: this.fields };
    return {
      fields,
      refs: this.#refs,
      areas: this.#areas.slice(),
      kind: capture([...this.hostState, this.gone, this.freed]),
    };
  }
  restore({ fields, refs, areas, kind }: ReturnType<BpfMap['save']>): void {
    Object.assign(this, fields);
    this.#refs = refs;
    this.#areas.splice(0, this.#areas.length, ...areas);
    reinstate(kind);
  }

  // --- life ---

  get(): this {
    this.#refs++;
    this.host.memory.writeU32(this.addr + this.layout.bpf_map.refcnt, this.#refs);
    return this;
  }
  put(): void {
    if (--this.#refs === 0) {
      this.gone.tell();
      this.host.afterGrace(() => {
        this.free();
        this.freed.tell();
        for (const { at, big } of this.#areas) big ? this.host.vfree(at) : this.host.kfree(at);
      });
    } else {
      this.host.memory.writeU32(this.addr + this.layout.bpf_map.refcnt, this.#refs);
    }
  }
  get refs(): number {
    return this.#refs;
  }
  /** Descriptor table: the last descriptor was closed. */
  release(): void {
    if (this.pins === 0) this.userGone();
    this.put();
  }
  /** pinned in a bpffs so many times */
  pins = 0;
  /** A pin is gone; `open`: there are descriptors. */
  unpinned(open: boolean): void {
    if (--this.pins === 0 && !open) this.userGone();
  }
  /** User space has neither a descriptor nor a pin of it any more. */
  protected userGone(): void {
    if (this.fields?.hasAsync) this.#eachValue((value) => this.fields?.cancel(value));
  }
  protected free(): void {
    this.#eachValue((value) => this.fields?.free(value));
  }
  #eachValue(act: (value: Addr) => void): void {
    if (this.fields === undefined) return;
    const cursor = new WalkCursor();
    while (this.walkNext(cursor) === 0 && cursor.key !== 0) act(cursor.value);
  }

  setId(id: number): void {
    this.id = id;
    this.host.memory.writeU32(this.addr + this.layout.bpf_map.id, id);
  }
  freeze(): void {
    this.frozen = true;
    this.host.memory.writeU8(this.addr + this.layout.bpf_map.frozen, 1);
  }

  /** `bpf_map_area_alloc`: freed with the map. Small areas come from the slab, large ones from vmalloc. */
  protected areaAlloc(bytes: number, pages = false): Addr {
    const big = pages || bytes > PAGE_ALLOC_COSTLY;
    return this.#area(big ? this.host.vmalloc(bytes) : this.host.kmalloc(bytes), big, bytes);
  }
  /** `span` bytes of addresses, of which only those at `offset` are memory; freed with the map. */
  protected areaWithin(span: number, offset: number, bytes: number): Addr {
    return this.#area(this.host.vmallocWithin(span, offset, bytes), true, bytes);
  }
  #area(at: Addr, big: boolean, bytes: number): Addr {
    this.#areas.push({ at, big });
    this.#areaBytes += bytes;
    return at;
  }

  /** Physical address of bytes that are contiguous: one allocation's. */
  protected phys(at: Addr): number {
    return this.host.memory.hostPhysical(at, 0);
  }

  /** bytes that it is accounted for (`map_mem_usage`): its allocations, where its kind does not count otherwise */
  get memoryUsage(): number {
    return this.#areaBytes;
  }
  /** Lines of /proc/PID/fdinfo/N: `bpf_map_show_fdinfo`. */
  fdinfo(): string {
    const { type, keySize, valueSize, maxEntries, flags, attrs, memoryUsage, id, frozen } = this;
    return [
      ['map_type', type],
      ['key_size', keySize],
      ['value_size', valueSize],
      ['max_entries', maxEntries],
      ['map_flags', `0x${(flags & ~(BPF_F_RDONLY | BPF_F_WRONLY)).toString(16)}`],
      ['map_extra', `0x${attrs.mapExtra.toString(16)}`],
      ['memlock', memoryUsage],
      ['map_id', id],
      ['frozen', frozen ? 1 : 0],
    ]
      .map(([name, value]) => `${name}:\t${value}\n`)
      .join('');
  }

  describe(): string {
    return `${mapTypeName(this.type)} map '${this.name}'`;
  }
}

/** Physical address of `size` bytes of guest memory, copied to `bounce` where they cross a page. @throws GuestFault */
export function contiguous(host: MapHost, at: Addr, size: number, bounce: number): number {
  const { memory } = host;
  const lo = addrLo(at);
  if ((lo & 4095) + size <= 4096) return memory.physical(lo, addrHi(at), 0);
  memory.u8.set(memory.readBytes(at, size), bounce);
  return bounce;
}

/** Copies `size` bytes of guest memory to a physical address. @throws GuestFault before anything was copied */
export function copyIn(memory: GuestMemory, to: number, from: Addr, size: number): void {
  const lo = addrLo(from);
  if ((lo & 4095) + size <= 4096) movePhys(memory, to, memory.physical(lo, addrHi(from), 0), size);
  else memory.u8.set(memory.readBytes(from, size), to);
}

/** `memmove` between physical addresses; most keys and values are shorter than what a call of copyWithin takes. */
export function movePhys(memory: MapHost['memory'], to: number, from: number, size: number): void {
  const { u8 } = memory;
  if (size > 64) u8.copyWithin(to, from, from + size);
  else if (((to | from | size) & 3) === 0) moveWords(memory.i32, to >> 2, from >> 2, size >> 2);
  else if (to < from) for (let i = 0; i < size; i++) u8[to + i] = u8[from + i]!;
  else for (let i = size - 1; i >= 0; i--) u8[to + i] = u8[from + i]!;
}
function moveWords(i32: Int32Array, to: number, from: number, words: number): void {
  if (to < from) for (let i = 0; i < words; i++) i32[to + i] = i32[from + i]!;
  else for (let i = words - 1; i >= 0; i--) i32[to + i] = i32[from + i]!;
}
