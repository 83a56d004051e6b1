/**
 * Where BPF images live (Linux 6.12 kernel/bpf/core.c, bpf_prog_pack): executable memory from
 * ffffffffc0000000 up in chunks of 64 bytes, read-only to the guest, filled with int3. An image
 * starts at a random multiple of 4 inside its chunks, behind an 8-byte header.
 */

import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory, Machine } from '../../src/machine/index.ts';
import { KernelBug, KernelError } from '../core/errno.ts';
import { MODULES_END, MODULES_VADDR, PAGE_SIZE } from '../core/layout.ts';
import type { Random } from '../core/random.ts';
import { capture, reinstate } from '../core/state.ts';

const CHUNK = 64;
const HEADER = 8;
const PACK_BYTES = 2 << 20;
const INT3 = 0xcc;

export class BpfPack {
  readonly #memory: GuestMemory;
  readonly #machine: Machine;
  readonly #random: Random;
  /** free runs of chunks by number of chunks, after the first use */
  readonly #free = new Map<number, Addr[]>();
  readonly #live = new Map<Addr, { start: Addr; bytes: number }>();
  /** next never-used chunk, and the end of what is mapped for images */
  #next: Addr = MODULES_VADDR;
  #mapped: Addr = MODULES_VADDR;
  #end: Addr = MODULES_VADDR + PACK_BYTES;
  /** modules, ftrace trampolines and later packs */
  #area: Addr = MODULES_VADDR + PACK_BYTES + 0xd000;

  constructor(machine: Machine, random: Random) {
    this.#machine = machine;
    this.#memory = machine.memory;
    this.#random = random;
  }

  save() {
    const [next, mapped, end, area] = [this.#next, this.#mapped, this.#end, this.#area];
    return capture({ free: this.#free, live: this.#live, next, mapped, end, area });
  }
  restore(state: ReturnType<BpfPack['save']>): void {
    const { next, mapped, end, area } = reinstate(state);
    this.#next = next;
    this.#mapped = mapped;
    this.#end = end;
    this.#area = area;
  }

  /** Whole chunks for a trampoline, which has no header. */
  allocChunks(length: number): Addr {
    const bytes = Math.ceil(length / CHUNK) * CHUNK;
    const start = this.#chunks(bytes);
    this.#live.set(start, { start, bytes });
    return start;
  }
  /** Address for an image of `length` bytes. */
  alloc(length: number): Addr {
    const bytes = Math.ceil((length + HEADER + 128) / CHUNK) * CHUNK;
    const start = this.#chunks(bytes);
    const hole = Math.min(bytes - (length + HEADER), PAGE_SIZE - HEADER);
    const at = start + HEADER + (this.#random.below(hole) & ~3);
    this.#live.set(at, { start, bytes });
    return at;
  }
  /** Writes image bytes; the guest itself cannot. */
  write(at: Addr, bytes: Uint8Array): void {
    this.#memory.pokeBytes(at, bytes);
    this.#machine.invalidate(at, bytes.length);
  }
  free(at: Addr): void {
    const image = this.#live.get(at);
    if (!image) throw new KernelBug('freeing an image that was not allocated');
    this.#live.delete(at);
    this.write(image.start, new Uint8Array(image.bytes).fill(INT3));
    const list = this.#free.get(image.bytes);
    if (list) list.push(image.start);
    else this.#free.set(image.bytes, [image.start]);
  }
  /** Whole executable pages of their own, as execmem_alloc gives ftrace trampolines and modules. */
  allocPages(length: number): Addr {
    const bytes = Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
    const at = this.#area;
    this.#area = at + bytes + PAGE_SIZE;
    if (this.#area > MODULES_END) throw new KernelError('ENOMEM', 'the module area is full');
    this.#map(at, bytes);
    return at;
  }

  #chunks(bytes: number): Addr {
    const again = this.#free.get(bytes)?.pop();
    if (again !== undefined) return again;
    if (this.#next + bytes > this.#end) {
      const size = Math.max(PACK_BYTES, Math.ceil(bytes / PAGE_SIZE) * PAGE_SIZE);
      this.#next = this.#area;
      this.#mapped = this.#next;
      this.#end = this.#next + size;
      this.#area = this.#end + PAGE_SIZE;
      if (this.#area > MODULES_END) throw new KernelError('ENOMEM', 'the module area is full');
    }
    const at = this.#next;
    this.#next = at + bytes;
    while (this.#mapped < this.#next) {
      // a whole pack is one 2 MiB page on Linux; here pages come as they are needed
      const step = Math.max(16 * PAGE_SIZE, Math.ceil((this.#next - this.#mapped) / PAGE_SIZE) * PAGE_SIZE);
      const size = Math.min(step, this.#end - this.#mapped);
      this.#map(this.#mapped, size);
      this.#mapped += size;
    }
    return at;
  }
  #map(at: Addr, bytes: number): void {
    const phys = this.#memory.allocPages(bytes / PAGE_SIZE, 'image');
    this.#memory.u8.fill(INT3, phys, phys + bytes);
    this.#memory.map(at, phys, bytes, { exec: true });
  }
}
