/**
 * Per-CPU memory (Linux 6.12 mm/percpu.c, arch/x86/kernel/setup_percpu.c): a per-CPU pointer is an
 * offset; adding `__per_cpu_offset[cpu]`, which is also the CPU's gs base, gives the address.
 * The first chunk lies in the direct map with the static variables in front; further chunks are
 * vmalloc'ed with the same distance between CPUs.
 */

import type { Addr } from '../../src/machine/addr.ts';
import { clearBytes, type GuestMemory } from '../../src/machine/index.ts';
import { KernelBug, KernelError } from '../core/errno.ts';
import { PAGE_OFFSET, PAGE_SIZE } from '../core/layout.ts';
import { capture, reinstate } from '../core/state.ts';
import type { Vmalloc } from './vmalloc.ts';

/** bytes of one CPU's part of a chunk */
const UNIT = 1 << 19;
/** largest allocation, PCPU_MIN_UNIT_SIZE */
const MAX_ALLOC = 32 << 10;
/** static variables end here: `__per_cpu_end` of 6.12 is 0x36000 */
const STATIC_END = 0x38000;

export class PerCpu {
  readonly cpus: number;
  /** bytes from one CPU's copy to the next one's */
  readonly unit = UNIT;
  /** `__per_cpu_offset[0]` */
  readonly base: Addr;
  readonly #vmalloc: Vmalloc;
  readonly #free = new Map<number, number[]>();
  readonly #sizes = new Map<number, number>();
  readonly #u8: Uint8Array;
  readonly #memory: GuestMemory;
  #next = STATIC_END;
  #end = UNIT;

  constructor(memory: GuestMemory, vmalloc: Vmalloc, cpus: number) {
    this.cpus = cpus;
    this.#vmalloc = vmalloc;
    this.#memory = memory;
    this.#u8 = memory.u8;
    this.base = PAGE_OFFSET + memory.allocPages((cpus * UNIT) / PAGE_SIZE);
  }
  save() {
    return capture({ free: this.#free, sizes: this.#sizes, next: this.#next, end: this.#end });
  }
  restore(state: ReturnType<PerCpu['save']>): void {
    const { next, end } = reinstate(state);
    this.#next = next;
    this.#end = end;
  }

  /** `__per_cpu_offset[cpu]` */
  offset(cpu: number): Addr {
    return this.base + cpu * UNIT;
  }
  /** Address of CPU `cpu`'s copy of what `pointer` points to. */
  address(pointer: number, cpu: number): Addr {
    return pointer + this.base + cpu * UNIT;
  }
  /** A zeroed per-CPU object; the pointer is an offset, not an address. @throws KernelError ENOMEM above 32 KiB */
  alloc(size: number, align = 8): number {
    if (size > MAX_ALLOC) throw new KernelError('ENOMEM', `per-CPU allocation of ${size} bytes: at most ${MAX_ALLOC}`);
    const bytes = Math.ceil(size / Math.max(align, 8)) * Math.max(align, 8);
    let at = this.#free.get(bytes)?.pop();
    if (at === undefined) {
      at = Math.ceil(this.#next / align) * align;
      if (at + bytes > this.#end) {
        // one area holds the units of all CPUs, so the distance between CPUs stays UNIT
        const chunk = this.#vmalloc.alloc(this.cpus * UNIT);
        at = chunk - this.base;
        this.#end = at + UNIT;
      }
      this.#next = at + bytes;
    } else {
      for (let cpu = 0; cpu < this.cpus; cpu++) {
        const phys = this.#memory.translate(this.address(at, cpu), 1, false);
        if (phys >= 0 && (phys & (PAGE_SIZE - 1)) + bytes <= PAGE_SIZE) clearBytes(this.#u8, phys, bytes);
        else this.#memory.writeBytes(this.address(at, cpu), new Uint8Array(bytes));
      }
    }
    this.#sizes.set(at, bytes);
    return at;
  }
  free(pointer: number): void {
    const bytes = this.#sizes.get(pointer);
    if (bytes === undefined) throw new KernelBug('free_percpu of what alloc_percpu did not give');
    this.#sizes.delete(pointer);
    const list = this.#free.get(bytes);
    if (list) list.push(pointer);
    else this.#free.set(bytes, [pointer]);
  }
}
