import type { Btf } from '../../../src/btf/index.ts';
import type { FdObject } from '../../core/fds.ts';
import { Listeners } from '../../core/listeners.ts';

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
  constructor(btf: Btf, bytes: Uint8Array, name = '') {
    this.btf = btf;
    this.bytes = bytes;
    this.name = name;
  }
  save() {
    return { id: this.id, refs: this.#refs, freed: this.freed.save() };
  }
  restore({ id, refs, freed }: ReturnType<BtfObject['save']>): void {
    this.id = id;
    this.#refs = refs;
    this.freed.restore(freed);
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
