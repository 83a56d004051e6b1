/** Numbers that stand for something as long as the session stands still: what a client may open. */
import type { Value } from '../../debug/index.ts';

/** What opens to variables. */
export type Container =
  | {
      readonly kind: 'scope';
      readonly name: 'locals' | 'bpf' | 'x86' | 'globals' | 'maps' | 'task' | 'verifier';
      /** depth of the frame that it is of */
      readonly frame: number;
    }
  | { readonly kind: 'map'; readonly map: string }
  | { readonly kind: 'value'; readonly value: Value; readonly expression: string | undefined };

export class References {
  readonly #all: Container[] = [];

  /** Numbers begin at 1: 0 opens to nothing. */
  add(container: Container): number {
    return this.#all.push(container);
  }
  get(reference: number): Container | undefined {
    return this.#all[reference - 1];
  }
}
