/**
 * What a process has mapped: `struct vm_area_struct`s by address (Linux 6.12 Documentation/mm/process_addrs.rst), and
 * behind them private pages where the process executes code of its own. Of a process that is only recorded the areas
 * are known, and there are no pages.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { PAGE_SIZE, type UserSpace } from '../../src/machine/index.ts';
import { PROT } from '../../src/uapi/process.ts';
import type { Mapping } from '../core/file-ops.ts';
import type { Listeners } from '../core/listeners.ts';
import { capture, reinstate } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';

/** mmap(2) */
/** include/linux/mm.h: VM_MAYREAD, VM_MAYWRITE, VM_MAYEXEC of a private mapping; VM_SHARED */
const VM = { SHARED: 8, MAY: 0x70, GROWSDOWN: 0x100 } as const;

/** One area. */
export interface Vma {
  readonly start: Addr;
  readonly end: Addr;
  /** PROT bits */
  readonly prot: number;
  readonly shared: boolean;
  /** mapped file, or `[heap]` and its like; '' for anonymous memory */
  readonly name: string;
  /** bytes from the file's beginning to the area's */
  readonly offset: number;
  /** of a kernel object that is mapped: its pages, which are the object's */
  readonly mapping?: Mapping;
}

export const isFileVma = ({ name }: Vma): boolean => name.startsWith('/');

/** Told to who patches code in files that are mapped. */
export interface MappingEvents {
  readonly mapped: Listeners<[space: AddressSpace, vma: Vma]>;
  readonly unmapped: Listeners<[space: AddressSpace, vma: Vma]>;
}

export class AddressSpace {
  /** `struct mm_struct` */
  readonly mm: Addr;
  /** the page table; undefined: nothing is behind the areas */
  readonly space: UserSpace | undefined;
  /** by address */
  #areas: readonly Vma[] = [];
  /** objects of areas that were asked for: `struct vm_area_struct` by start */
  readonly #objects = new Map<Vma, Addr>();
  readonly #kernel: Ground;
  readonly #events: MappingEvents;

  constructor(kernel: Ground, mm: Addr, space: UserSpace | undefined, events: MappingEvents) {
    this.#kernel = kernel;
    this.mm = mm;
    this.space = space;
    this.#events = events;
  }
  save() {
    return { areas: this.#areas, objects: capture(this.#objects), regions: this.space?.regions.save() };
  }
  restore({ areas, objects, regions }: ReturnType<AddressSpace['save']>): void {
    this.#areas = areas;
    reinstate(objects);
    if (regions !== undefined) this.space?.regions.restore(regions);
  }

  get areas(): readonly Vma[] {
    return this.#areas;
  }
  find(at: Addr): Vma | undefined {
    return this.#areas.find(({ start, end }) => at >= start && at < end);
  }
  /** First gap below `below` that is `bytes` large: mmap's choice, top down. */
  gap(bytes: number, below: Addr): Addr {
    let top = below;
    for (const { start, end } of this.#areas.toReversed()) {
      if (start >= below) continue;
      if (end < below && top - end >= bytes) break;
      top = Math.min(top, start);
    }
    return top - bytes;
  }

  /** Maps an area, in the place of what was there; `content` fills it from its beginning. @throws OutOfMemory */
  map(vma: Vma, content?: Uint8Array): Vma {
    this.unmap(vma.start, vma.end);
    if (vma.mapping !== undefined) this.#share(vma, vma.mapping);
    else if (this.space !== undefined) this.#back(vma, content);
    const joined = this.#joined(vma);
    this.#events.mapped.tell(this, joined);
    return joined;
  }
  #back({ start, end, prot }: Vma, content: Uint8Array | undefined): void {
    const { memory } = this.#kernel;
    const phys = memory.allocPages((end - start) / PAGE_SIZE);
    if (content !== undefined) memory.u8.set(content.subarray(0, end - start), phys);
    this.#inSpace(() => memory.map(start, phys, end - start, protection(prot)));
  }
  /** Pages of an object: what the process stores there the kernel sees, and the other way round. */
  #share({ start, end, prot }: Vma, { pages }: Mapping): void {
    let at = start;
    this.#inSpace(() => {
      for (const { phys, bytes } of pages) {
        this.#kernel.memory.map(at, phys, Math.min(bytes, end - at), protection(prot));
        at += bytes;
      }
    });
  }
  /** An area beside one that is alike and goes on is one with it, as Linux merges anonymous ones. */
  #joined(vma: Vma): Vma {
    const alike = (o: Vma): boolean =>
      o.end === vma.start &&
      o.prot === vma.prot &&
      o.name === vma.name &&
      !isFileVma(o) &&
      o.shared === vma.shared &&
      o.mapping === undefined;
    const before = vma.mapping === undefined ? this.#areas.find(alike) : undefined;
    const made = before === undefined ? vma : { ...vma, start: before.start, offset: before.offset };
    this.#set([...this.#areas.filter((o) => o !== before), made]);
    return made;
  }
  #set(areas: Vma[]): void {
    this.#areas = areas.sort((a, b) => a.start - b.start);
    const { memory, structs, slab } = this.#kernel;
    const layout = structs.of('mm_struct');
    memory.writeU32(this.mm + layout.offset('map_count'), areas.length);
    const pages = areas.reduce((sum, { start, end }) => sum + (end - start) / PAGE_SIZE, 0);
    memory.writeU64(this.mm + layout.offset('total_vm'), BigInt(pages));
    for (const [vma, at] of [...this.#objects]) {
      if (this.#areas.includes(vma)) continue;
      this.#objects.delete(vma);
      slab.kfree(at);
    }
  }

  unmap(start: Addr, end: Addr): void {
    const hit = this.#areas.filter((o) => o.start < end && o.end > start);
    if (hit.length === 0) return;
    const kept = this.#areas.filter((o) => !hit.includes(o));
    for (const o of hit) {
      this.#events.unmapped.tell(this, part(o, Math.max(o.start, start), Math.min(o.end, end)));
      if (o.start < start) kept.push(part(o, o.start, start));
      if (o.end > end) kept.push(part(o, end, o.end));
    }
    for (const o of hit) if (o.mapping === undefined) this.#freePages(Math.max(o.start, start), Math.min(o.end, end));
    this.#inSpace(() => this.#kernel.memory.unmap(start, end - start));
    this.#set(kept);
    const gone = new Set(hit.map(({ mapping }) => mapping));
    for (const { mapping } of kept) gone.delete(mapping);
    for (const mapping of gone) mapping?.unmap();
  }
  #freePages(start: Addr, end: Addr): void {
    if (this.space === undefined) return;
    const { memory } = this.#kernel;
    for (const r of this.space.regions.within(start, end)) memory.freePages(r.phys, (r.end - r.start) / PAGE_SIZE);
  }
  /** mprotect(2). False where part of the range is not mapped. */
  protect(start: Addr, end: Addr, prot: number): boolean {
    const hit = this.#areas.filter((o) => o.start < end && o.end > start);
    const covered = hit.reduce((sum, o) => sum + Math.min(o.end, end) - Math.max(o.start, start), 0);
    if (covered < end - start) return false;
    const areas = this.#areas.filter((o) => !hit.includes(o));
    for (const o of hit) {
      if (o.start < start) areas.push(part(o, o.start, start));
      areas.push({ ...part(o, Math.max(o.start, start), Math.min(o.end, end)), prot });
      if (o.end > end) areas.push(part(o, end, o.end));
    }
    this.#inSpace(() => this.#kernel.memory.protect(start, end - start, protection(prot)));
    this.#set(areas);
    return true;
  }
  /** Everything goes: execve, exit. */
  clear(): void {
    for (const { start, end } of this.#areas) this.unmap(start, end);
  }

  /** Physical address of a page's byte; -1 where nothing is behind it. */
  physical(at: Addr): number {
    const region = this.space?.regions.find(at);
    return region === undefined ? -1 : region.phys + (at - region.start);
  }
  /** Writes bytes at an address whatever its protection: the kernel's own writes. Nothing where no page is behind it. */
  poke(at: Addr, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const n = Math.min(bytes.length - done, PAGE_SIZE - ((at + done) % PAGE_SIZE));
      const phys = this.physical(at + done);
      if (phys >= 0) this.#kernel.memory.u8.set(bytes.subarray(done, done + n), phys);
      done += n;
    }
  }
  #inSpace(act: () => void): void {
    if (this.space === undefined) return;
    const { memory } = this.#kernel;
    const before = memory.userSpace;
    memory.switchUserSpace(this.space);
    act();
    memory.switchUserSpace(before);
  }

  /** `struct vm_area_struct` of an area. */
  object(vma: Vma, file: Addr): Addr {
    const known = this.#objects.get(vma);
    if (known !== undefined) return known;
    const { memory, structs, slab } = this.#kernel;
    const layout = structs.of('vm_area_struct');
    const at = slab.kmalloc(layout.size);
    memory.writeAddr(at + layout.offset('vm_start'), vma.start);
    memory.writeAddr(at + layout.offset('vm_end'), vma.end);
    memory.writeAddr(at + layout.offset('vm_mm'), this.mm);
    memory.writeAddr(at + layout.offset('vm_file'), file);
    memory.writeU64(
      at + layout.offset('vm_pgoff'),
      // what a damaged recording maps may begin inside of a page
      BigInt(Math.floor((isFileVma(vma) ? vma.offset : vma.start) / PAGE_SIZE)),
    );
    memory.writeU64(at + layout.offset('vm_flags'), BigInt(vmFlags(vma)));
    this.#objects.set(vma, at);
    return at;
  }
}

/** The first three bits are mmap's. */
const vmFlags = ({ prot, shared, name }: Vma): number =>
  prot | VM.MAY | (shared ? VM.SHARED : 0) | (name === '[stack]' ? VM.GROWSDOWN : 0);

const part = (o: Vma, start: Addr, end: Addr): Vma => ({ ...o, start, end, offset: o.offset + (start - o.start) });

const protection = (prot: number) => ({
  write: (prot & PROT.WRITE) !== 0,
  exec: (prot & PROT.EXEC) !== 0,
  user: prot !== 0,
});

/** A line of /proc/PID/maps (proc(5)). */
export function mapsLine(vma: Vma, inode: (path: string) => number): string {
  const hex = (n: number): string => n.toString(16).padStart(8, '0');
  const { prot, shared, name, offset, start, end } = vma;
  const rights = `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}${shared ? 's' : 'p'}`;
  const file = isFileVma(vma);
  const head = `${hex(start)}-${hex(end)} ${rights} ${hex(file ? offset : 0)} ${file ? '08:01' : '00:00'} ${file ? inode(name) : 0} `;
  return name === '' ? `${head}\n` : `${head.padEnd(73)}${name}\n`;
}
