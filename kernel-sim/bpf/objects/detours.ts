/**
 * Calls of kernel functions that somebody takes over for a while: the function's entry is patched, and programs in which
 * Linux has something quicker than the call run code that makes it, as long as it lasts.
 */
import type { Addr } from '../../../src/machine/addr.ts';
import { Listeners } from '../../core/listeners.ts';
import { capture, reinstate, shallow } from '../../core/state.ts';
import type { PlacesFloor } from '../../floors/places.ts';
import type { BpfProg, Inlined } from '../prog/prog.ts';
import type { Ids } from './ids.ts';

/** Makes a program run other code; gives what ends that. */
export type Divert = (prog: BpfProg, code: ReturnType<Inlined['without']>) => () => void;

/** What it needs of bpf's objects. */
export interface DetourHost {
  readonly kernel: PlacesFloor;
  readonly progs: Ids<BpfProg>;
  readonly helpers: { define(symbol: string): boolean; defineUnmodelled(symbol: string): void };
}

interface Detour {
  /** as programs call it: `bpf_map_update_elem` */
  readonly name: string;
  readonly undo: readonly (() => void)[];
}

export class Detours {
  readonly #host: DetourHost;
  readonly #active = new Set<Detour>();
  readonly #diverted = new Map<BpfProg, () => void>();
  /** the engine's, which is made when the first program is loaded */
  divert: Divert | undefined;
  /** told of each program that was loaded */
  readonly added = new Listeners<[prog: BpfProg]>();

  constructor(host: DetourHost) {
    this.#host = host;
  }
  save() {
    return capture({ active: shallow(this.#active), diverted: shallow(this.#diverted), added: this.added });
  }
  restore(state: ReturnType<Detours['save']>): void {
    reinstate(state);
  }

  /**
   * Calls of a function come to `handler`, which is told where the body of the function that was called is.
   * @param name as programs call it
   * @param symbols functions that stand for it
   */
  take(name: string, symbols: readonly string[], handler: (original: Addr) => void): () => void {
    const { helpers, kernel, progs } = this.#host;
    const undo = symbols.map((symbol) => {
      if (!helpers.define(symbol)) helpers.defineUnmodelled(symbol);
      return kernel.text.divert(symbol, handler);
    });
    const detour: Detour = { name, undo };
    this.#active.add(detour);
    for (const prog of progs.all()) this.#follow(prog);
    return () => {
      // the kernel may have gone back to a time before it
      if (!this.#active.delete(detour)) return;
      for (const put of undo) put();
      for (const prog of progs.all()) this.#follow(prog);
    };
  }

  /** A program was loaded. */
  loaded(prog: BpfProg): void {
    this.#follow(prog);
    this.added.tell(prog);
  }

  /** The program runs its own code, or what makes the calls that are taken. */
  #follow(prog: BpfProg): void {
    const { inlined } = prog.init;
    if (inlined === undefined || this.divert === undefined) return;
    this.#diverted.get(prog)?.();
    this.#diverted.delete(prog);
    const called = new Set([...this.#active].map(({ name }) => name).filter((name) => inlined.names.has(name)));
    if (called.size === 0) return;
    const back = this.divert(prog, inlined.without(called));
    this.#diverted.set(prog, back);
    prog.onFree.unshift(() => {
      if (this.#diverted.get(prog) !== back) return;
      this.#diverted.delete(prog);
      back();
    });
  }
}
