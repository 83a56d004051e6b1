import type { Btf } from '../../../src/btf/index.ts';
import type { Addr } from '../../../src/machine/addr.ts';
import type { FdObject } from '../../core/fds.ts';
import { Listeners } from '../../core/listeners.ts';
import type { Ground } from '../../floors/ground.ts';

/** Where descriptions of a type's fields are put. */
type MetaMemory = Pick<Ground, 'slab' | 'memory'>;
/** sizeof(struct btf_struct_meta): btf_id, record */
const META_BYTES = 16;

/** A BTF object loaded by BTF_LOAD, or the kernel's own. */
export class BtfObject implements FdObject {
  readonly fdName = 'anon_inode:btf';
  id = 0;
  readonly btf: Btf;
  readonly bytes: Uint8Array;
  readonly name: string;
  /** nothing refers to it any more */
  readonly freed = new Listeners<[]>();
  #refs = 1;
  readonly #metas = new Map<number, Addr>();
  readonly isKernel: boolean;
  constructor(btf: Btf, bytes: Uint8Array, name = '', isKernel = false) {
    this.btf = btf;
    this.bytes = bytes;
    this.name = name;
    this.isKernel = isKernel;
  }
  save() {
    return { id: this.id, refs: this.#refs, freed: this.freed.save(), metas: [...this.#metas] };
  }
  restore({ id, refs, freed, metas }: ReturnType<BtfObject['save']>): void {
    this.id = id;
    this.#refs = refs;
    this.freed.restore(freed);
    this.#metas.clear();
    for (const [typeId, at] of metas) this.#metas.set(typeId, at);
  }
  /** Address of the type's `struct btf_struct_meta`, which calls that make and drop objects are passed. */
  structMeta(memory: MetaMemory, typeId: number): Addr {
    let at = this.#metas.get(typeId);
    if (at === undefined) {
      at = memory.slab.kmalloc(META_BYTES);
      memory.memory.writeU32(at, typeId);
      this.#metas.set(typeId, at);
      const own = at;
      this.freed.add(() => memory.slab.kfree(own));
    }
    return at;
  }
  /** The type whose description is at an address; undefined where it is none of its. */
  metaType(address: Addr): number | undefined {
    for (const [typeId, at] of this.#metas) if (at === address) return typeId;
    return undefined;
  }
  /** Programs and maps that use it hold it, and its descriptors together. */
  get(): this {
    this.#refs++;
    return this;
  }
  put(): void {
    if (--this.#refs === 0) this.freed.tell();
  }
  release(): void {
    this.put();
  }
}
