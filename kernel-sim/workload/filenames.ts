/** `struct filename`: a path copied from user memory, its text behind the structure (Linux 6.12 Documentation/filesystems/path-lookup.rst). */
import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import { DirectMap } from '../core/direct-map.ts';
import type { Kernel } from '../kernel.ts';

const PATH_MAX = 4096;

export class Filenames {
  readonly #kernel: Kernel;
  readonly #memory: GuestMemory;
  readonly #direct: DirectMap;
  /** free objects, the one used last on top; every object there is */
  readonly #free: Addr[] = [];
  readonly #all = new Set<Addr>();
  readonly #name: number;
  readonly #uptr: number;
  readonly #refcnt: number;
  readonly #text: number;
  readonly #decoder = new TextDecoder();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#memory = kernel.memory;
    this.#direct = new DirectMap(kernel.memory);
    const layout = kernel.structs.of('filename');
    this.#name = layout.offset('name');
    this.#uptr = layout.offset('uptr');
    this.#refcnt = layout.offset('refcnt');
    this.#text = layout.offset('iname');
  }
  #take(user: Addr): Addr {
    let at = this.#free.pop();
    if (at === undefined) {
      at = this.#kernel.slab.kmalloc(PATH_MAX);
      this.#all.add(at);
    }
    this.#direct.putAddr(at + this.#name, at + this.#text);
    this.#direct.putAddr(at + this.#uptr, user);
    this.#direct.put32(at + this.#refcnt, 1);
    return at;
  }
  /** getname_kernel() */
  make(path: string): Addr {
    const at = this.#take(0);
    const to = this.#direct.phys(at + this.#text);
    const bytes = new TextEncoder().encode(path);
    this.#direct.u8.set(bytes, to);
    this.#direct.u8[to + bytes.length] = 0;
    return at;
  }
  /** getname(): what cannot be read is an empty name, as the recording's result then says. */
  alloc(user: Addr): Addr {
    const at = this.#take(user);
    const direct = this.#direct;
    const { u8 } = direct;
    const to = direct.phys(at + this.#text);
    const room = PATH_MAX - this.#text - 1;
    let from = this.#memory.translate(user, 0, false);
    let n = 0;
    while (from >= 0 && n < room) {
      const byte = u8[from] as number;
      if (byte === 0) break;
      u8[to + n++] = byte;
      from++;
      // another page may lie elsewhere
      if ((from & 0xfff) === 0) from = this.#memory.translate(user + n, 0, false);
    }
    u8[to + n] = 0;
    return at;
  }
  free(at: Addr): void {
    if (this.#all.has(at)) this.#free.push(at);
  }
  path(at: Addr): string {
    if (at === 0) return '';
    const start = this.#direct.phys(at + this.#text);
    const end = this.#direct.u8.indexOf(0, start);
    return this.#decoder.decode(this.#direct.u8.subarray(start, end));
  }
}
