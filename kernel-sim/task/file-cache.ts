/** The filp cache: objects of `struct file`, with the model's own words behind it. Kernel text allocates and frees them too. */
import type { Addr } from '../../src/machine/addr.ts';
import { clearBytes } from '../../src/machine/index.ts';
import { PAGE_OFFSET, PAGE_SIZE } from '../core/layout.ts';
import { MODEL_PERCPU } from '../core/model-percpu.ts';
import { FILE_WORDS_BYTES, fileWord } from '../core/object-words.ts';
import type { Ground } from '../floors/ground.ts';
import { FreeList } from '../mm/free-list.ts';

const ALIGN = 64;
const SLAB_PAGES = 1;

export class FileCache {
  readonly #kernel: Ground;
  readonly #free: FreeList;
  readonly #size: number;
  readonly #refs: number;
  readonly #live: number;

  constructor(kernel: Ground) {
    this.#kernel = kernel;
    const { size } = kernel.structs.of('file');
    this.#size = Math.ceil((fileWord(size, 'refs') + FILE_WORDS_BYTES) / ALIGN) * ALIGN;
    this.#refs = fileWord(size, 'refs');
    this.#live = fileWord(size, 'live');
    const next = (size >> 4) << 3;
    this.#free = new FreeList(kernel.direct, kernel.context, kernel.percpu, MODEL_PERCPU.filp_free, next);
  }
  /** A zeroed object. */
  alloc(): Addr {
    let at = this.#free.pop();
    if (at === 0) {
      const base = PAGE_OFFSET + this.#kernel.memory.allocPages(SLAB_PAGES);
      for (let n = Math.floor((SLAB_PAGES * PAGE_SIZE) / this.#size) - 1; n >= 0; n--)
        this.#free.push(base + n * this.#size);
      at = this.#free.pop();
    }
    const { direct } = this.#kernel;
    const phys = direct.phys(at);
    clearBytes(direct.u8, phys, this.#size);
    direct.put32(at + this.#live, 1);
    return at;
  }
  free(file: Addr): void {
    this.#kernel.direct.put32(file + this.#live, 0);
    this.#free.push(file);
  }
  /** Whether an address is one of a file that is not free. `file` is an object of this cache, or null. */
  isLive(file: Addr): boolean {
    return file < 0 && this.#kernel.direct.get32(file + this.#live) === 1;
  }
  /** Descriptors that refer to a file. */
  refs(file: Addr): number {
    return this.#kernel.direct.get32(file + this.#refs);
  }
  /** One descriptor more or less. */
  hold(file: Addr, change: 1 | -1): void {
    if (file !== 0) this.#kernel.direct.put32(file + this.#refs, this.refs(file) + change);
  }
}
