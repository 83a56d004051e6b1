/**
 * A list of programs in one place with an order that they may ask for: `struct bpf_mprog_entry` in guest memory
 * (bpf(2): BPF_F_BEFORE, BPF_F_AFTER, BPF_F_REPLACE; at most 64 of them).
 */
import type { Addr } from '../../src/machine/addr.ts';
import { KernelError } from '../core/errno.ts';
import { capture, type Stateful } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';

/** BPF_MPROG_MAX */
const MOST = 64;

/** One that hangs in the list; whoever hangs it knows it by `key` (a link, or the program itself). */
export interface MprogItem {
  readonly key: object;
  prog: Addr;
}
export interface Place {
  readonly before?: boolean;
  readonly after?: boolean;
  /** the one that it is in front of, or behind */
  readonly relative?: object;
  readonly expectedRevision?: bigint;
}

export class Mprog implements Stateful {
  readonly #kernel: Ground;
  /** `struct bpf_mprog_entry` */
  readonly at: Addr;
  readonly #items: MprogItem[] = [];
  revision = 1n;
  constructor(kernel: Ground) {
    this.#kernel = kernel;
    this.at = kernel.slab.kmalloc(kernel.structs.of('bpf_mprog_entry').size);
  }
  save() {
    return capture({ items: this.#items, revision: this.revision });
  }
  restore(state: ReturnType<Mprog['save']>): void {
    this.revision = state.back().revision;
  }
  get items(): readonly MprogItem[] {
    return this.#items;
  }
  get any(): boolean {
    return this.#items.length > 0;
  }

  /** @throws KernelError ESTALE, ERANGE, EEXIST, ENOENT as bpf_mprog_attach */
  add(key: object, prog: Addr, place: Place = {}): void {
    this.#expect(place.expectedRevision);
    if (this.#items.some((item) => item.key === key)) throw new KernelError('EEXIST', 'it is attached here already');
    if (this.#items.length >= MOST) throw new KernelError('ERANGE', `${MOST} programs are attached here already`);
    this.#items.splice(this.#index(place), 0, { key, prog });
    this.#changed();
  }
  replace(key: object, prog: Addr): void {
    const item = this.#items.find((one) => one.key === key);
    if (item === undefined) throw new KernelError('ENOENT', 'it is not attached here');
    item.prog = prog;
    this.#changed();
  }
  /** @throws KernelError ENOENT where it is not in the list, ESTALE */
  remove(key: object, expectedRevision?: bigint): void {
    this.#expect(expectedRevision);
    const at = this.#items.findIndex((item) => item.key === key);
    if (at < 0) throw new KernelError('ENOENT', 'it is not attached here');
    this.#items.splice(at, 1);
    this.#changed();
  }
  #expect(revision: bigint | undefined): void {
    if (revision !== undefined && revision !== 0n && revision !== this.revision)
      throw new KernelError('ESTALE', `the list is at revision ${this.revision}, not ${revision}`);
  }
  #index({ before, after, relative }: Place): number {
    if (relative === undefined) {
      if (before && after) throw new KernelError('EINVAL', 'in front of all and behind all at once');
      return before ? 0 : this.#items.length;
    }
    const at = this.#items.findIndex((item) => item.key === relative);
    if (at < 0) throw new KernelError('ENOENT', 'what it is to be next to is not attached here');
    if (before && after) throw new KernelError('EINVAL', 'in front of it and behind it at once');
    return before ? at : at + 1;
  }
  #changed(): void {
    this.revision++;
    const { memory } = this.#kernel;
    for (let n = 0; n < MOST; n++) memory.writeAddr(this.at + 8 * n, this.#items[n]?.prog ?? 0);
  }
}
