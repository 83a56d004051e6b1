/**
 * vmalloc: page-mapped memory at ffffc90000000000 and up, each area followed by one unmapped guard
 * page (Linux 6.12 mm/vmalloc.c: VM_NO_GUARD is not set for vmalloc and vmap stacks).
 */

import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import { KernelBug } from '../core/errno.ts';
import { PAGE_SIZE, VMALLOC_START } from '../core/layout.ts';
import { capture, reinstate } from '../core/state.ts';

interface Area {
  readonly phys: number;
  readonly pages: number;
  readonly align: number;
  /** pages of addresses, guard not included, and the first of them that has memory */
  readonly span: number;
  readonly first: number;
}

export class Vmalloc {
  readonly #memory: GuestMemory;
  readonly #areas = new Map<Addr, Area>();
  /** freed ranges of addresses by alignment, then by pages */
  readonly #holes = new Map<number, Map<number, Addr[]>>();
  #next: Addr = VMALLOC_START;

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }
  save() {
    return capture({ areas: this.#areas, holes: this.#holes, next: this.#next });
  }
  restore(state: ReturnType<Vmalloc['save']>): void {
    this.#next = reinstate(state).next;
  }

  /** Zeroed, writable memory; starts `align` bytes aligned. */
  alloc(size: number, align = PAGE_SIZE): Addr {
    return this.allocWithin(size, 0, size, align);
  }
  /** `span` bytes of addresses (`get_vm_area`), of which only the `size` bytes at `offset` are memory; the first address. */
  allocWithin(span: number, offset: number, size: number, align = PAGE_SIZE): Addr {
    const area = {
      pages: Math.max(1, Math.ceil(size / PAGE_SIZE)),
      align,
      span: Math.max(1, Math.ceil(span / PAGE_SIZE)),
      first: offset / PAGE_SIZE,
    };
    let at = this.#holes.get(align)?.get(area.span)?.pop();
    if (at === undefined) {
      at = Math.ceil(this.#next / align) * align;
      this.#next = at + (area.span + 1) * PAGE_SIZE;
    }
    const phys = this.#memory.allocPages(area.pages);
    this.#memory.map(at + offset, phys, area.pages * PAGE_SIZE, { write: true });
    this.#areas.set(at, { phys, ...area });
    return at;
  }
  free(at: Addr): void {
    const area = this.#areas.get(at);
    if (!area) throw new KernelBug('vfree of what vmalloc did not give');
    this.#areas.delete(at);
    this.#memory.unmap(at + area.first * PAGE_SIZE, area.pages * PAGE_SIZE);
    this.#memory.freePages(area.phys, area.pages);
    let sizes = this.#holes.get(area.align);
    if (!sizes) {
      sizes = new Map();
      this.#holes.set(area.align, sizes);
    }
    const holes = sizes.get(area.span);
    if (holes) holes.push(at);
    else sizes.set(area.span, [at]);
  }
  /** bytes of the area that starts at `at` */
  sizeOf(at: Addr): number {
    return (this.#areas.get(at)?.pages ?? 0) * PAGE_SIZE;
  }
}
