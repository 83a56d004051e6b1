/** What mount(2) has put where, as far as a recording shows it. Paths go through it as if it were one file system. */
import type { Addr } from '../../src/machine/addr.ts';
import { capture } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';

export class RecordedMounts {
  readonly #kernel: Ground;
  readonly #pathOf: (dentry: Addr) => string;
  /** `struct vfsmount` by path */
  readonly #mounts = new Map<string, Addr>();
  constructor(kernel: Ground, pathOf: (dentry: Addr) => string) {
    this.#kernel = kernel;
    this.#pathOf = pathOf;
  }
  save() {
    return capture({ mounts: this.#mounts });
  }
  restore(state: ReturnType<RecordedMounts['save']>): void {
    state.back();
  }

  at(dentry: Addr): Addr | undefined {
    return this.#mounts.get(this.#pathOf(dentry));
  }
  add(dentry: Addr, superBlock: Addr): void {
    const { slab, structs, memory } = this.#kernel;
    this.remove(dentry);
    const layout = structs.of('vfsmount');
    const at = slab.kmalloc(layout.size);
    memory.writeAddr(at + layout.offset('mnt_root'), dentry);
    memory.writeAddr(at + layout.offset('mnt_sb'), superBlock);
    this.#mounts.set(this.#pathOf(dentry), at);
  }
  remove(dentry: Addr): void {
    const path = this.#pathOf(dentry);
    const at = this.#mounts.get(path);
    if (at === undefined) return;
    this.#mounts.delete(path);
    this.#kernel.slab.kfree(at);
  }
}
