/** What the recording says of the running system call, in the CPU's own variables where kernel text reads it. */
import type { Context } from '../core/context.ts';

export class Recorded {
  readonly #i32: Int32Array;
  readonly #result: number;
  readonly #block: number;
  readonly #stride: number;
  readonly #context: Context;
  /** word index of CPU 0's result, distance of `block` from it, words from one CPU to the next */
  constructor(i32: Int32Array, result: number, block: number, stride: number, context: Context) {
    this.#i32 = i32;
    this.#result = result;
    this.#block = result + block;
    this.#stride = stride;
    this.#context = context;
  }
  get lo(): number {
    return this.#i32[this.#result + this.#stride * this.#context.cpu] as number;
  }
  get hi(): number {
    return this.#i32[this.#result + this.#stride * this.#context.cpu + 1] as number;
  }
  /** an error number, or an address in the kernel's half: never a result that succeeded */
  get failed(): boolean {
    return this.hi < 0;
  }
  set(lo: number, hi: number): void {
    const at = this.#result + this.#stride * this.#context.cpu;
    this.#i32[at] = lo;
    this.#i32[at + 1] = hi;
  }
  /** the state in which the call waits at the first place where it can; 0: it does not wait */
  set sleeps(state: number) {
    this.#i32[this.#block + this.#stride * this.#context.cpu] = state;
  }
}
