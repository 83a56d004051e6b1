/**
 * Guest memory: one WebAssembly.Memory behind a page table. Intel SDM vol. 3A, chapter 4 "Paging":
 * 4.6 "Access Rights" (with CR0.WP, SMEP and SMAP set, as Linux has them), 4.7 "Page-Fault Exceptions".
 *
 * An access looks into a software TLB, three direct-mapped tables for each mode, which lies
 * in the machine-private physical area so that the stepper and generated WebAssembly read the same one:
 *
 *     entry = table + ((va >> 12) & 1023) * 16
 *     entry + 0   i64   va | fff    (zero: empty, since a real tag has its low 12 bits set)
 *     entry + 8   i32   physical address of the page
 *
 * The tag of an access of n bytes is `(va + n - 1) | fff`, looked up at the index of `va`:
 * an access that crosses a page never matches and goes the slow way, which checks both pages first.
 */
import { host } from '../platform/index.ts';
import { type Addr, addrLo, addrOf } from './addr.ts';
import { clearBytes } from './clear-bytes.ts';
import { GuestFault, OutOfMemory, PF_FETCH, PF_PRESENT, PF_WRITE } from './fault.ts';
import {
  type Access,
  CODE_ZONE_BYTES,
  DEFAULT_MEMORY_BYTES,
  EXEC,
  GENERAL_ZONE_PHYS,
  IMAGE_ZONE_PHYS,
  isMemorySize,
  MEMORY_SIZES,
  PAGE_OFFSET,
  PAGE_SIZE,
  RAM_PHYS,
  TASK_SIZE_MAX,
  TLB_ENTRIES,
  TLB_PHYS,
  TLB_TABLE_BYTES,
  TLB_USER_OFFSET,
  WRITE,
} from './layout.ts';
import { PageZone, type ZoneState } from './pages.ts';
import { PROT_EXEC, PROT_USER, PROT_WRITE, type Region, Regions } from './regions.ts';
import { type PageMark, PageStore } from './save/page-store.ts';
import { regionChanges } from './save/region-changes.ts';
import { Touched } from './save/touched.ts';
import { UserSpace } from './userspace.ts';

/** What may be done with a mapped page besides reading it. */
export interface Protection {
  readonly write?: boolean;
  readonly exec?: boolean;
  readonly user?: boolean;
}

/** Pages whose every access by guest code is told of. */
export interface PageWatch {
  /** addresses of their first bytes */
  readonly pages: ReadonlySet<Addr>;
  /** `va`: the first byte; an access that spans two pages is told of twice */
  accessed(va: Addr, access: Access): void;
}

/** Memory at one moment: its content, who has which page, the kernel half of the page table, the user half in use. */
export interface MemoryState {
  readonly version: 1;
  readonly pages: PageMark;
  readonly general: ZoneState;
  readonly image: ZoneState;
  readonly kernel: readonly Readonly<Region>[];
  readonly userSpace: UserSpace;
  readonly user: readonly Readonly<Region>[];
}

const protBits = (p: Protection): number =>
  (p.write ? PROT_WRITE : 0) | (p.exec ? PROT_EXEC : 0) | (p.user ? PROT_USER : 0);

const pageDown = (va: Addr): Addr => va - (addrLo(va) & (PAGE_SIZE - 1));
const TLB_MASK = TLB_ENTRIES - 1;
const LAST = PAGE_SIZE - 1;

export class PagedMemory {
  readonly wasm: WebAssembly.Memory;
  /** size of the guest's RAM and of what lies in front of it */
  readonly bytes: number;
  /** physical address of what the host asked for */
  readonly hostPhys: number;
  /** Views by physical address. The memory never grows, so they never detach. */
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly view: DataView;

  /** Kernel half of the page table; the user half is {@link userSpace}'s. */
  readonly kernel = new Regions();
  userSpace = new UserSpace();
  /** Byte offset of the current mode's TLB tables: {@link TLB_PHYS}, plus {@link TLB_USER_OFFSET} at CPL 3. */
  tlb = TLB_PHYS;
  /** EFLAGS.AC at CPL 0: the kernel may touch user pages (`stac`/`clac`). */
  allowUser = false;
  /** Increments whenever a kernel mapping changes in a way that translated code may rely on. */
  onKernelMapChange: ((start: Addr, end: Addr) => void) | undefined;

  #watch: PageWatch | undefined;

  /** pages that may hold something; who writes elsewhere than to pages it was given or mapped says so here */
  readonly touched: Touched;
  private store: PageStore | undefined;

  private readonly general: PageZone;
  private readonly image: PageZone;
  /** TLB entries (byte offsets) that hold user pages, for a cheap CR3 switch */
  private userEntries: number[] = [];

  /**
   * `hostBytes`: memory behind the guest's, in steps of 64 KiB, that is never mapped.
   * @throws OutOfMemory where the size is out of range or the host has no address space left
   */
  constructor(options: { bytes?: number; hostBytes?: number } = {}) {
    const bytes = options.bytes ?? DEFAULT_MEMORY_BYTES;
    if (!isMemorySize(bytes)) throw new OutOfMemory(`memory size ${bytes}: need ${MEMORY_SIZES}`);
    try {
      const pages = (bytes + CODE_ZONE_BYTES + (options.hostBytes ?? 0)) / 65536;
      this.wasm = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: host.sharesMemory });
    } catch {
      throw new OutOfMemory(`the host gives no ${bytes >> 20} MiB of address space for guest memory`);
    }
    const buffer = this.wasm.buffer;
    this.bytes = bytes;
    this.hostPhys = bytes + CODE_ZONE_BYTES;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.view = new DataView(buffer);
    this.touched = new Touched(buffer.byteLength, RAM_PHYS, bytes);
    this.general = new PageZone('general', this.u8, GENERAL_ZONE_PHYS, bytes);
    this.image = new PageZone('image', this.u8, IMAGE_ZONE_PHYS, GENERAL_ZONE_PHYS);
    this.kernel.map(PAGE_OFFSET + RAM_PHYS, PAGE_OFFSET + bytes, RAM_PHYS, PROT_WRITE);
  }

  // --- physical pages ---

  /**
   * `count` contiguous zeroed pages: their physical address. `image`: from the zone whose direct-map alias
   * may be write-protected, for pages that will hold text. @throws OutOfMemory
   */
  allocPages(count: number, zone: 'general' | 'image' = 'general'): number {
    const phys = (zone === 'image' ? this.image : this.general).alloc(count);
    this.touched.add(phys, count * PAGE_SIZE);
    return phys;
  }

  freePages(phys: number, count: number): void {
    (phys < GENERAL_ZONE_PHYS ? this.image : this.general).free(phys, count);
  }

  /** Pages of the general zone that nobody has. */
  get freePageCount(): number {
    return this.general.freePages;
  }

  // --- page table ---

  /**
   * Maps whole pages, replacing what was mapped there. User addresses go to the current user space. With `sparse`, of
   * what is mapped so far only little will be written: saves look at a page from its first write on.
   */
  map(va: Addr, phys: number, bytes: number, prot: Protection = {}, sparse = false): void {
    const [start, end] = this.pages(va, bytes);
    if (phys % PAGE_SIZE !== 0 || phys < RAM_PHYS || phys + (end - start) > this.bytes) {
      throw new RangeError(`physical range ${phys.toString(16)}+${bytes} is not RAM`);
    }
    if (!sparse) this.touched.add(phys, end - start);
    this.half(start).map(start, end, phys, protBits(prot));
    this.changed(start, end);
  }

  unmap(va: Addr, bytes: number): void {
    const [start, end] = this.pages(va, bytes);
    this.half(start).unmap(start, end);
    this.changed(start, end);
  }

  /** Changes the protection of whatever is mapped in the range. */
  protect(va: Addr, bytes: number, prot: Protection): void {
    const [start, end] = this.pages(va, bytes);
    const half = this.half(start);
    for (const r of half.within(start, end)) half.map(r.start, r.end, r.phys, protBits(prot));
    this.changed(start, end);
  }

  /** The region that holds `va`, whatever its protection. */
  regionAt(va: Addr): Readonly<Region> | undefined {
    return this.half(va).find(va);
  }

  /** Loads CR3: the user half changes. */
  switchUserSpace(space: UserSpace): void {
    if (space === this.userSpace) return;
    this.userSpace = space;
    this.flushUser();
  }

  createUserSpace(): UserSpace {
    return new UserSpace();
  }

  /** Watched pages stay out of the TLB, so each access to them goes the slow way. Translated code has others: step meanwhile. */
  get watch(): PageWatch | undefined {
    return this.#watch;
  }
  set watch(watch: PageWatch | undefined) {
    this.#watch = watch;
    this.flushTlb();
  }

  /** CPL 3 (true) or 0: selects the TLB and the rights. */
  setUserMode(user: boolean): void {
    this.tlb = user ? TLB_PHYS + TLB_USER_OFFSET : TLB_PHYS;
  }

  get userMode(): boolean {
    return this.tlb !== TLB_PHYS;
  }

  protected half(va: Addr): Regions {
    return va < 0 ? this.kernel : this.userSpace.regions;
  }

  private pages(va: Addr, bytes: number): [Addr, Addr] {
    const start = pageDown(va);
    const end = pageDown(va + bytes + LAST);
    if (!(bytes > 0) || (va >= 0 && end > TASK_SIZE_MAX)) throw new RangeError(`cannot map ${bytes} bytes at ${va}`);
    return [start, end];
  }

  private changed(start: Addr, end: Addr): void {
    if ((end - start) / PAGE_SIZE > TLB_ENTRIES / 4) {
      this.flushTlb();
    } else {
      for (let va = start; va < end; va += PAGE_SIZE) {
        const entry = TLB_PHYS + ((addrLo(va) >>> 12) & TLB_MASK) * 16;
        for (let t = 0; t < 6; t++) this.i32[(entry + t * TLB_TABLE_BYTES) >> 2] = 0;
      }
    }
    if (start < 0) this.onKernelMapChange?.(start, end);
  }

  flushTlb(): void {
    clearBytes(this.u8, TLB_PHYS, 6 * TLB_TABLE_BYTES);
    this.userEntries.length = 0;
  }

  private flushUser(): void {
    for (const entry of this.userEntries) this.i32[entry >> 2] = 0;
    this.userEntries.length = 0;
  }

  // --- marks ---

  /** What memory is now. Costs a look at the pages in use, and copies of those that changed since the last save. */
  save(): MemoryState {
    this.store ??= new PageStore(this.wasm, this.touched);
    return {
      version: 1,
      pages: this.store.save(),
      general: this.general.save(),
      image: this.image.save(),
      kernel: this.kernel.save(),
      userSpace: this.userSpace,
      user: this.userSpace.regions.save(),
    };
  }

  /**
   * Memory as it was. Other user spaces than the one in use are their owners'. `each` is told of every physical page
   * whose content is another now.
   */
  restore(state: MemoryState, each: (phys: number) => void): void {
    this.store ??= new PageStore(this.wasm, this.touched);
    this.store.restore(state.pages, each);
    this.general.restore(state.general);
    this.image.restore(state.image);
    const before = this.kernel.save();
    this.userSpace = state.userSpace;
    this.userSpace.regions.restore(state.user);
    this.flushTlb();
    if (before === state.kernel) return;
    this.kernel.restore(state.kernel);
    regionChanges(before, state.kernel, (start, end) => this.onKernelMapChange?.(start, end));
  }

  // --- translation ---

  /**
   * Physical address of `va`, or -1 where the access would fault. `user`: checked as CPL 3 does;
   * otherwise as the host's accessors do, which may read user pages.
   */
  translate(va: Addr, access: Access, user: boolean): number {
    const r = this.half(va).find(va);
    if (r === undefined) return -1;
    if (user && !(r.prot & PROT_USER)) return -1;
    if (access === WRITE && !(r.prot & PROT_WRITE)) return -1;
    if (access === EXEC && !(r.prot & PROT_EXEC)) return -1;
    const phys = r.phys + (va - r.start);
    if (access === WRITE) this.touched.page(phys);
    return phys;
  }

  /**
   * Guest access, slow way: fills the TLB and gives the physical address of the byte at hi:lo.
   * @throws GuestFault
   */
  fill(lo: number, hi: number, access: Access): number {
    const va = addrOf(lo, hi);
    const top = hi >> 15;
    if (top !== 0 && top !== -1) throw new GuestFault(va, access, -1);
    const r = this.half(va).find(va);
    const user = this.userMode;
    const code = access === WRITE ? PF_WRITE : access === EXEC ? PF_FETCH : 0;
    if (r === undefined) throw new GuestFault(va, access, code);
    const need = access === WRITE ? PROT_WRITE : access === EXEC ? PROT_EXEC : 0;
    const isUser = (r.prot & PROT_USER) !== 0;
    // CPL 0: SMEP forbids fetching from user pages, SMAP touching them unless AC is set.
    const modeOk = user ? isUser : !isUser || (access !== EXEC && this.allowUser);
    if (!modeOk || (r.prot & need) !== need) throw new GuestFault(va, access, code | PF_PRESENT);
    const phys = r.phys + (va - r.start);
    if (access === WRITE) this.touched.page(phys);
    if (this.#watch?.pages.has(pageDown(va))) {
      this.#watch.accessed(va, access);
      return phys;
    }
    if (user || !isUser) {
      const entry = this.tlb + access * TLB_TABLE_BYTES + ((lo >>> 12) & TLB_MASK) * 16;
      const at = entry >> 2;
      this.i32[at] = lo | LAST;
      this.i32[at + 1] = hi;
      this.i32[at + 2] = phys & ~LAST;
      if (va >= 0) this.userEntries.push(entry);
    }
    return phys;
  }

  /** Physical address for a guest access that stays in its page. @throws GuestFault */
  physical(lo: number, hi: number, access: Access): number {
    const at = (this.tlb + access * TLB_TABLE_BYTES + ((lo >>> 12) & TLB_MASK) * 16) >> 2;
    if (this.i32[at] === (lo | LAST) && this.i32[at + 1] === hi) return this.i32[at + 2]! | (lo & LAST);
    return this.fill(lo, hi, access);
  }
}
