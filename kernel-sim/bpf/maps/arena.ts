/** Arenas: sparse memory that programs and user space share (BPF_MAP_TYPE_ARENA, Linux 6.9; kernel/bpf/arena.c). */
import { type Addr, addrToBigInt } from '../../../src/machine/addr.ts';
import { ERRNO } from '../../core/errno.ts';
import { BpfMap, type MapAttrs, type MapContext, type MappedPages } from './map.ts';

const PAGE = 4096;
const LOW = 0x1_0000_0000;
/** half of what offsets of instructions may lead beyond the 4 GB that pointers reach, before and behind: GUARD_SZ is 64 KB */
const GUARD = 0x8000;
/** where user space maps one that says no address: what mmap(2) would give the loader */
const USER_START: Addr = 0x7fff_0000_0000;

export class ArenaMap extends BpfMap {
  /** address of the first page in user space, which is what pointers into the arena hold */
  readonly userStart: Addr;
  /** `kern_vm_start`: 4 GB of the kernel's addresses, of which those of its pages are memory */
  readonly #start: Addr;
  /** its pages, one behind the other, as the kernel has them: the low half of the user's address leads there */
  readonly #pages: Addr;
  /** a byte a page: whether it was given out */
  readonly #taken: Uint8Array;
  constructor(context: MapContext, attrs: MapAttrs) {
    super(context, attrs, context.layout.bpf_map.sizeof + 64);
    this.userStart = attrs.mapExtra || USER_START;
    const low = this.userStart % LOW;
    this.#start = this.areaWithin(LOW + 2 * GUARD, GUARD + low, attrs.maxEntries * PAGE) + GUARD;
    this.#pages = this.#start + low;
    this.#taken = new Uint8Array(attrs.maxEntries);
  }
  protected override get hostState(): readonly object[] {
    return [this.#taken];
  }
  /** What is added to the low half of a pointer, and what the JIT needs of it (`bpf_arena_get_kern_vm_start`). */
  get ranges(): { readonly kernVmStart: bigint; readonly userVmStart: bigint } {
    return { kernVmStart: addrToBigInt(this.#start), userVmStart: BigInt(this.userStart) };
  }
  /** `arena_alloc_pages`: so many pages in a row, at an address or wherever; 0 where there are none. */
  allocPages(at: Addr, count: number): Addr {
    const total = this.#taken.length;
    const isFree = (from: number): boolean => this.#taken.subarray(from, from + count).every((taken) => taken === 0);
    let first = at === 0 ? 0 : ((at % LOW) - (this.userStart % LOW)) / PAGE;
    if (first < 0 || first + count > total) return 0;
    if (at === 0) while (first + count <= total && !isFree(first)) first++;
    if (first + count > total || !isFree(first)) return 0;
    this.#taken.fill(1, first, first + count);
    return this.userStart + first * PAGE;
  }
  /** `arena_free_pages`: they are zeroes when they are given out again. */
  freePages(at: Addr, count: number): void {
    const first = Math.max(0, Math.floor(((at % LOW) - (this.userStart % LOW)) / PAGE));
    const last = Math.min(first + count, this.#taken.length);
    if (last <= first) return;
    this.#taken.fill(0, first, last);
    this.host.memory.fillBytes(this.#pages + first * PAGE, 0, (last - first) * PAGE);
  }
  override lookup(_key: Addr): Addr {
    return -ERRNO.EINVAL;
  }
  override lookupUser(_key: Addr): Uint8Array | number {
    return -ERRNO.EINVAL;
  }
  override update(_key: Addr, _value: Addr, _flags: number): number {
    return -ERRNO.EOPNOTSUPP;
  }
  override nextKey(_key: Addr, _next: Addr): number {
    return -ERRNO.EOPNOTSUPP;
  }
  override get directValue(): Addr | undefined {
    return this.userStart;
  }
  /** What user space touches is there. */
  protected override mappable(offset: number, bytes: number): MappedPages | number {
    if (offset + bytes > this.maxEntries * PAGE) return -ERRNO.E2BIG;
    return [{ phys: this.phys(this.#pages) + offset, bytes }];
  }
}
