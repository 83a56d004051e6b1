/**
 * `struct filename`: a path copied from user memory, its text behind the structure (Linux 6.12 Documentation/filesystems/path-lookup.rst).
 * `putname` in kernel text gives objects back to the free list.
 */

import type { Addr } from '../../src/machine/addr.ts';
import type { GuestMemory } from '../../src/machine/index.ts';
import { decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import type { DirectMap } from '../core/direct-map.ts';
import { PAGE_SIZE } from '../core/layout.ts';
import { MODEL_PERCPU } from '../core/model-percpu.ts';
import { NAME_NEXT, PATH_MAX } from '../core/object-words.ts';
import type { ObjectFloor } from '../floors/objects.ts';
import { FreeList } from '../mm/free-list.ts';
import { hashByte, type KnownPaths, PATH_HASH } from '../task/known-paths.ts';

export class Filenames {
  readonly #kernel: ObjectFloor;
  readonly #memory: GuestMemory;
  readonly #direct: DirectMap;
  readonly #free: FreeList;
  readonly #known: KnownPaths;
  readonly #name: number;
  readonly #uptr: number;
  readonly #refcnt: number;
  readonly #text: number;

  constructor(kernel: ObjectFloor) {
    this.#kernel = kernel;
    this.#memory = kernel.memory;
    this.#direct = kernel.direct;
    this.#free = new FreeList(kernel.direct, kernel.context, kernel.percpu, MODEL_PERCPU.names_free, NAME_NEXT);
    this.#known = kernel.files.dcache.known;
    const layout = kernel.structs.of('filename');
    this.#name = layout.offset('name');
    this.#uptr = layout.offset('uptr');
    this.#refcnt = layout.offset('refcnt');
    this.#text = layout.offset('iname');
  }
  #take(user: Addr): Addr {
    const at = this.#free.pop() || this.#kernel.slab.kmalloc(PATH_MAX);
    this.#direct.putAddr(at + this.#name, at + this.#text);
    this.#direct.putAddr(at + this.#uptr, user);
    this.#direct.put32(at + this.#refcnt, 1);
    return at;
  }
  /** getname_kernel() */
  make(path: string): Addr {
    const at = this.#take(0);
    const to = this.#direct.phys(at + this.#text);
    const bytes = encodeUtf8(path);
    this.#direct.u8.set(bytes, to);
    this.#direct.u8[to + bytes.length] = 0;
    this.#found(this.#known.find(to, bytes.length, bytes.reduce(hashByte, PATH_HASH)));
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
    let hash = PATH_HASH;
    while (from >= 0 && n < room) {
      const byte = u8[from] as number;
      if (byte === 0) break;
      u8[to + n++] = byte;
      hash = hashByte(hash, byte);
      from++;
      // another page may lie elsewhere
      if ((from & (PAGE_SIZE - 1)) === 0) from = this.#memory.translate(user + n, 0, false);
    }
    u8[to + n] = 0;
    this.#found(this.#known.find(to, n, hash));
    return at;
  }
  /** Tells kernel text of the dentry that the path has, 0 where it must ask. */
  #found(dentry: Addr): void {
    const own = this.#kernel.percpu.offset(this.#kernel.context.cpu);
    this.#direct.putAddr(own + MODEL_PERCPU.open_dentry, dentry);
    this.#direct.putAddr(own + MODEL_PERCPU.open_mnt, dentry === 0 ? 0 : this.#kernel.files.dcache.mount);
  }
  /** `struct file` of a name, whose path is known from now on. */
  open(at: Addr): Addr {
    const { files } = this.#kernel;
    if (at === 0) return files.open('');
    const { u8 } = this.#direct;
    const start = this.#direct.phys(at + this.#text);
    const end = u8.indexOf(0, start);
    const dentry = files.dcache.get(decodeUtf8(u8.subarray(start, end)));
    let hash = PATH_HASH;
    for (let n = start; n < end; n++) hash = hashByte(hash, u8[n] as number);
    this.#known.add(start, end - start, hash, dentry);
    return files.openDentry(dentry);
  }
}
