/**
 * kmalloc: size-class caches on pages of the direct map (Linux 6.12 mm/slab_common.c documents the
 * classes: 8 to 96, 128, 192, 256, then powers of two to 8 KiB; larger ones are whole pages).
 */

import type { Addr } from '../../src/machine/addr.ts';
import { clearBytes, type GuestMemory } from '../../src/machine/index.ts';
import { KernelBug } from '../core/errno.ts';
import { PAGE_OFFSET, PAGE_SIZE } from '../core/layout.ts';
import { Listeners } from '../core/listeners.ts';
import { capture, reinstate } from '../core/state.ts';

const CLASSES = [8, 16, 32, 64, 96, 128, 192, 256, 512, 1024, 2048, 4096, 8192] as const;
/** pages of one slab, per class, as /proc/slabinfo shows for this configuration */
const SLAB_PAGES = [1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 8, 8, 8] as const;

/** A cache of objects of one size, `struct kmem_cache` of the host's side. */
export class KmemCache {
  readonly name: string;
  readonly size: number;
  readonly #slabPages: number;
  readonly #memory: GuestMemory;
  readonly #free: Addr[] = [];
  readonly #live = new Set<Addr>();

  constructor(memory: GuestMemory, name: string, size: number, slabPages: number) {
    this.#memory = memory;
    this.name = name;
    this.size = size;
    this.#slabPages = slabPages;
  }
  save() {
    return capture({ free: this.#free, live: this.#live });
  }
  restore(state: ReturnType<KmemCache['save']>): void {
    reinstate(state);
  }

  /** A zeroed object. */
  alloc(): Addr {
    let at = this.#free.pop();
    if (at === undefined) {
      const phys = this.#memory.allocPages(this.#slabPages);
      const base = PAGE_OFFSET + phys;
      const count = Math.floor((this.#slabPages * PAGE_SIZE) / this.size);
      for (let i = count - 1; i >= 0; i--) this.#free.push(base + i * this.size);
      at = this.#free.pop() as Addr;
    }
    const phys = at - PAGE_OFFSET;
    clearBytes(this.#memory.u8, phys, this.size);
    this.#live.add(at);
    return at;
  }
  free(at: Addr): void {
    if (!this.#live.delete(at)) throw new KernelBug(`${this.name}: double free or not an object`);
    this.#free.push(at);
  }
  has(at: Addr): boolean {
    return this.#live.has(at);
  }
  get liveObjects(): number {
    return this.#live.size;
  }
}

export class Slab {
  readonly #memory: GuestMemory;
  readonly #caches: (KmemCache | undefined)[] = [];
  /** object to its cache, or to a count of pages */
  readonly #owner = new Map<Addr, KmemCache | number>();
  /** told of each object that is given back, before another may lie there; who has a cache of their own tells it themselves */
  readonly freed = new Listeners<[at: Addr]>();

  constructor(memory: GuestMemory) {
    this.#memory = memory;
  }
  /** Caches that {@link create} made are their users'. */
  save() {
    return capture({ caches: this.#caches, owner: new Map(this.#owner), freed: this.freed });
  }
  restore(state: ReturnType<Slab['save']>): void {
    const { owner } = reinstate(state);
    this.#owner.clear();
    for (const [at, by] of owner) this.#owner.set(at, by);
  }

  /** A cache of its own, as kmem_cache_create makes one (`task_struct`, `filp` ...). */
  create(name: string, size: number, align = 8): KmemCache {
    const object = Math.ceil(size / align) * align;
    const pages = object <= 256 ? 1 : object <= 1024 ? 4 : Math.max(8, Math.ceil(object / PAGE_SIZE));
    return new KmemCache(this.#memory, name, object, pages);
  }
  /** Zeroed memory of at least `size` bytes, in the direct map. */
  kmalloc(size: number): Addr {
    const index = CLASSES.findIndex((c) => size <= c);
    if (index < 0) {
      const pages = Math.ceil(size / PAGE_SIZE);
      const at = PAGE_OFFSET + this.#memory.allocPages(pages);
      this.#owner.set(at, pages);
      return at;
    }
    let cache = this.#caches[index];
    if (!cache) {
      const bytes = CLASSES[index] as number;
      const name = bytes >= 1024 ? `kmalloc-${bytes / 1024}k` : `kmalloc-${bytes}`;
      cache = new KmemCache(this.#memory, name, bytes, SLAB_PAGES[index] as number);
      this.#caches[index] = cache;
    }
    const at = cache.alloc();
    this.#owner.set(at, cache);
    return at;
  }
  /** How many allocations of {@link kmalloc} there are. */
  get allocated(): number {
    return this.#owner.size;
  }
  /** Whether it is what {@link kmalloc} gave. */
  owns(at: Addr): boolean {
    return this.#owner.has(at);
  }
  kfree(at: Addr): void {
    const owner = this.#owner.get(at);
    if (owner === undefined) throw new KernelBug('kfree of what kmalloc did not give');
    this.#owner.delete(at);
    if (this.freed.any) this.freed.tell(at);
    if (typeof owner === 'number') this.#memory.freePages(at - PAGE_OFFSET, owner);
    else owner.free(at);
  }
}
