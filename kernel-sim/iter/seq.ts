/**
 * Reading an iterator: `bpf_seq_read` (Linux 6.12 Documentation/filesystems/seq_file.rst, with the rules that iterators have of
 * their own). An element whose text does not fit is asked for again by the next read; one that fits into no buffer is E2BIG.
 */
import type { Addr } from '../../src/machine/addr.ts';
import { ERRNO } from '../core/errno.ts';
import { GuestStruct } from '../core/guest-struct.ts';
import { capture, reinstate, type Stateful } from '../core/state.ts';
import type { Ground } from '../floors/ground.ts';
import type { Element, Walk } from './target.ts';

/** PAGE_SIZE << 3 */
const BUFFER = 32_768;
/** elements that one read looks at */
const MAX_OBJECTS = 1_000_000;
/** Shows an element, or the end (undefined), into the seq_file: 0, or -errno as the program's answer says. */
export type Show = (element: Element | undefined, number: number) => number;

export class SeqReader implements Stateful {
  readonly seq: GuestStruct;
  readonly #kernel: Ground;
  readonly #walk: Walk;
  readonly #show: Show;
  readonly #buffer: Addr;
  readonly #state = { index: 0, number: 0, from: 0, isDone: false };
  constructor(kernel: Ground, walk: Walk, show: Show) {
    this.#kernel = kernel;
    this.#walk = walk;
    this.#show = show;
    const { slab, structs } = kernel;
    this.seq = new GuestStruct(kernel, 'seq_file', slab.kmalloc(structs.of('seq_file').size));
    this.#buffer = slab.kmalloc(BUFFER);
    this.seq.set('buf', this.#buffer).set('size', BUFFER);
  }
  save() {
    return capture({ state: this.#state });
  }
  restore(saved: ReturnType<SeqReader['save']>): void {
    reinstate(saved);
  }
  close(): void {
    this.#walk.close?.();
    this.#kernel.slab.kfree(this.#buffer);
    this.#kernel.slab.kfree(this.seq.at);
  }

  get #hasOverflowed(): boolean {
    return this.seq.get('count') === this.seq.get('size');
  }
  /** At most `size` bytes of what the program writes; none at the end, -errno where it fails. */
  read(size: number): Uint8Array | number {
    const { seq } = this;
    const state = this.#state;
    if (seq.get('count') > 0) return this.#take(size, state.from);
    state.from = 0;
    this.#walk.start?.();
    let element = this.#walk.at(state.index);
    let objects = 0;
    while (element !== undefined) {
      const before = seq.get('count');
      state.index = element.position;
      const error = this.#show(element, state.number) || (this.#hasOverflowed ? -ERRNO.E2BIG : 0);
      if (error < 0) {
        seq.set('count', before);
        if (before === 0) return error;
        return this.#take(size, 0);
      }
      state.index = element.position + 1;
      element = this.#walk.at(state.index);
      if (element !== undefined) state.number++;
      if (seq.get('count') >= size && element !== undefined) return this.#take(size, 0);
      if (++objects >= MAX_OBJECTS && element !== undefined)
        return before === 0 && seq.get('count') === 0 ? -ERRNO.EAGAIN : this.#take(size, 0);
    }
    return this.#end(size);
  }
  /** The program is called once more, with nothing. */
  #end(size: number): Uint8Array | number {
    const { seq } = this;
    const before = seq.get('count');
    if (!this.#state.isDone) {
      this.#show(undefined, this.#state.number);
      if (!this.#hasOverflowed) this.#state.isDone = true;
      else {
        seq.set('count', before);
        if (before === 0) return -ERRNO.E2BIG;
      }
    }
    return this.#take(size, 0);
  }
  #take(size: number, from: number): Uint8Array {
    const { seq } = this;
    const n = Math.min(seq.get('count'), size);
    const bytes = this.#kernel.memory.readBytes(this.#buffer + from, n);
    seq.set('count', seq.get('count') - n);
    this.#state.from = from + n;
    return bytes;
  }
}
