/**
 * One array of words that holds predecoded programs and register files. It is large and never replaced, so that the
 * interpreter's loop has it as a constant; the host commits its pages when they are first written.
 */
import { OutOfMemory } from '../../../src/machine/index.ts';

const SIZE = 1 << 25;

export class Words {
  readonly words = new Int32Array(SIZE);
  readonly #free = new Map<number, number[]>();
  #next = 64;

  /** Index of `count` words, of any content. @throws OutOfMemory */
  alloc(count: number): number {
    const again = this.#free.get(count)?.pop();
    if (again !== undefined) return again;
    const at = this.#next;
    if (at + count > SIZE) throw new OutOfMemory('no room left for more programs in the interpreter');
    this.#next = at + count;
    return at;
  }
  free(at: number, count: number): void {
    const list = this.#free.get(count);
    if (list) list.push(at);
    else this.#free.set(count, [at]);
  }
}
