/**
 * Calls of kernel functions that somebody takes over for a while: the function's entry is patched, and programs in which
 * Linux has something quicker than the call run code that makes it, as long as it lasts.
 */
import { type Addr, addrToBigInt } from '../../../src/machine/addr.ts';
import { COUNTER_BYTES, type Counters, RewriteError } from '../../../src/verifier/index.ts';
import { Listeners } from '../../core/listeners.ts';
import { capture, reinstate, shallow } from '../../core/state.ts';
import type { PlacesFloor } from '../../floors/places.ts';
import type { BpfProg, Remade, Remaking } from '../prog/prog.ts';
import { ProgCounts } from './counting.ts';
import type { Ids } from './ids.ts';

/** counters that a program is made with before it is known how many it has: made once more where these are too few */
const FEW = 64;

/** Makes a program run other code; gives what ends that, which gives what frees that code. */
export type Divert = (prog: BpfProg, made: Remade) => () => () => void;

/** What it needs of bpf's objects. */
export interface DetourHost {
  readonly kernel: PlacesFloor;
  readonly progs: Ids<BpfProg>;
  readonly helpers: { define(symbol: string): boolean; defineUnmodelled(symbol: string): void };
}

/** A program that runs other code than its own. */
interface Diverted {
  readonly back: () => void;
  readonly counting: { readonly at: Addr; readonly counters: Counters } | undefined;
}

interface Detour {
  /** as programs call it: `bpf_map_update_elem` */
  readonly name: string;
  readonly undo: readonly (() => void)[];
}

export class Detours {
  readonly #host: DetourHost;
  readonly #active = new Set<Detour>();
  readonly #diverted = new Map<BpfProg, Diverted>();
  readonly #counts = new Map<BpfProg, ProgCounts>();
  #isCounting = false;
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

  /** From now on it is counted how often the instructions of programs are executed. */
  count(): void {
    if (this.#isCounting) return;
    this.#isCounting = true;
    for (const prog of this.#host.progs.all()) this.#follow(prog);
  }
  /**
   * What was counted so far, of programs that are gone too; those that cannot be counted are left out. It is the host's:
   * who saves or restores the kernel asks for it before, so that nothing is lost or counted twice.
   */
  get counts(): readonly ProgCounts[] {
    for (const [prog, { counting }] of this.#diverted) this.#take(prog, counting);
    return [...this.#counts.values()];
  }
  /** What was counted so far counts no more. */
  forgetCounts(): void {
    void this.counts;
    this.#counts.clear();
  }
  #take(prog: BpfProg, counting: Diverted['counting']): void {
    if (counting === undefined) return;
    let counts = this.#counts.get(prog);
    if (counts === undefined) {
      counts = new ProgCounts(prog);
      this.#counts.set(prog, counts);
    }
    counts.take(this.#host.kernel, counting.at, counting.counters);
  }

  /** A program was loaded. */
  loaded(prog: BpfProg): void {
    this.#follow(prog);
    this.added.tell(prog);
  }

  /** The program runs its own code, or what makes the calls that are taken and counts. */
  #follow(prog: BpfProg): void {
    const { remaking } = prog.init;
    if (remaking === undefined || this.divert === undefined) return;
    this.#end(prog);
    const called = new Set([...this.#active].map(({ name }) => name).filter((name) => remaking.inlined.has(name)));
    if (called.size === 0 && !this.#isCounting) return;
    const { made, counting } = this.#make(prog, called);
    const undo = this.divert(prog, made);
    const back = (): void => {
      const { rcu, vmalloc } = this.#host.kernel;
      const free = undo();
      // it may be what runs: whoever restores a mock while it answers comes back to it
      rcu.call(() => {
        this.#take(prog, counting);
        free();
        if (counting) vmalloc.free(counting.at);
      });
    };
    const diverted = { back, counting };
    this.#diverted.set(prog, diverted);
    prog.onFree.unshift(() => {
      if (this.#diverted.get(prog) === diverted) this.#end(prog);
    });
  }
  #end(prog: BpfProg): void {
    this.#diverted.get(prog)?.back();
    this.#diverted.delete(prog);
  }
  /** The other code. What has no room for counters, as a jump would be too far, goes without. */
  #make(
    prog: BpfProg,
    called: ReadonlySet<string>,
  ): { readonly made: Remade; readonly counting: Diverted['counting'] } {
    const { remake } = prog.init.remaking as Remaking;
    if (!this.#isCounting) return { made: remake({ called }), counting: undefined };
    const { vmalloc, memory } = this.#host.kernel;
    let room = FEW;
    for (;;) {
      const at = vmalloc.alloc(room * COUNTER_BYTES);
      try {
        const made = remake({ called, counters: addrToBigInt(at) });
        const { counters } = made;
        if (counters && counters.count <= room) {
          memory.fillBytes(at, 0, room * COUNTER_BYTES);
          return { made, counting: { at, counters } };
        }
        room = counters?.count ?? room;
      } catch (error) {
        vmalloc.free(at);
        if (error instanceof RewriteError) return { made: remake({ called }), counting: undefined };
        throw error;
      }
      vmalloc.free(at);
    }
  }
}
