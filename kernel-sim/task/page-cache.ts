/**
 * The page cache: which pages of which files are in memory, and which of them are to be written
 * (Linux 6.12 Documentation/filesystems/vfs.rst, `struct address_space`). A recording tells neither what was cached before
 * it nor how long files are: the first read or write of a page brings it in, and no page is read ahead that nobody asked for.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { PAGE_SIZE } from '../core/layout.ts';
import { RANGE } from '../core/object-words.ts';
import { capture, reinstate } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';

/** pages kept; then those of the files that were used first go */
const MAX_FOLIOS = 65_536;

export class PageCache {
  readonly #kernel: Ground;
  /** `struct folio` by index, by address_space; the mapping that was used first in front */
  readonly #mappings = new Map<Addr, Map<number, Addr>>();
  readonly #dirty = new Set<Addr>();
  #count = 0;

  constructor(kernel: Ground) {
    this.#kernel = kernel;
  }
  save() {
    return capture({ mappings: this.#mappings, dirty: this.#dirty, count: this.#count });
  }
  restore(state: ReturnType<PageCache['save']>): void {
    this.#count = reinstate(state).count;
  }

  /** The folio of a page of a file; 0: it is not cached. */
  find(mapping: Addr, index: number): Addr {
    return this.#mappings.get(mapping)?.get(index) ?? 0;
  }
  /** A folio of one page, of no file yet. */
  alloc(): Addr {
    const { slab, structs } = this.#kernel;
    return slab.kmalloc(structs.of('page').size);
  }
  add(mapping: Addr, folio: Addr, index: number): void {
    if (folio === 0) return;
    if (this.#count >= MAX_FOLIOS) this.#shrink();
    const { memory, structs } = this.#kernel;
    const at = structs.of('folio');
    memory.writeAddr(folio + at.offset('mapping'), mapping);
    memory.writeAddr(folio + at.offset('index'), index);
    let folios = this.#mappings.get(mapping);
    if (folios === undefined) this.#mappings.set(mapping, (folios = new Map()));
    folios.set(index, folio);
    this.#count++;
    this.#pages(mapping, folios.size);
  }
  /** Fills what {@link RANGE} says of `bytes` from a position on. Whether one of the pages is missing. */
  range(at: Addr, mapping: Addr, position: number, bytes: number): boolean {
    const { memory } = this.#kernel;
    const first = Math.floor(position / PAGE_SIZE);
    const end = bytes <= 0 ? first : Math.floor((position + bytes - 1) / PAGE_SIZE) + 1;
    const words = { next: first, end, index: first, mapping, told: first, before: -1 };
    for (const [name, value] of Object.entries(words)) memory.writeAddr(at + RANGE[name as keyof typeof RANGE], value);
    for (let index = first; index < end; index++) if (this.find(mapping, index) === 0) return true;
    return false;
  }
  /** Marks a folio dirty. Whether it was clean. */
  dirties(folio: Addr): boolean {
    if (this.#dirty.has(folio)) return false;
    this.#dirty.add(folio);
    return true;
  }
  /** All pages of a file are written. */
  clean(mapping: Addr): void {
    for (const folio of this.#mappings.get(mapping)?.values() ?? []) this.#dirty.delete(folio);
  }
  /** A file goes: truncate_inode_pages(). */
  drop(mapping: Addr): void {
    const folios = this.#mappings.get(mapping);
    if (folios === undefined) return;
    this.#mappings.delete(mapping);
    this.#count -= folios.size;
    for (const folio of folios.values()) this.#free(folio);
    this.#pages(mapping, 0);
  }
  #pages(mapping: Addr, count: number): void {
    const { memory, structs } = this.#kernel;
    memory.writeAddr(mapping + structs.of('address_space').offset('nrpages'), count);
  }
  #free(folio: Addr): void {
    const { memory, slab, structs } = this.#kernel;
    const buffers = memory.readAddr(folio + structs.of('folio').offset('private'));
    if (buffers !== 0) slab.kfree(buffers);
    this.#dirty.delete(folio);
    slab.kfree(folio);
  }
  #shrink(): void {
    for (const mapping of this.#mappings.keys()) {
      this.drop(mapping);
      if (this.#count <= MAX_FOLIOS / 2) return;
    }
  }
}
