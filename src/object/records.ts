/** What programs send to user space: records of a ring buffer, samples of a perf event array, kept in order. */
import type { BpfSyscalls, MapHandle } from './bpf-interface.ts';

export class Records {
  readonly #take: () => Iterable<Uint8Array>;
  readonly #kept: Uint8Array[] = [];
  readonly #woken = new Set<() => void>();

  /** Keeps from now on what comes; undefined for maps that carry nothing. */
  static of(bpf: BpfSyscalls, handle: MapHandle): Records | undefined {
    if (handle.type === 'ringbuf' && handle.consume && handle.onReady) return new Records(bpf, handle);
    if (handle.type === 'perf_event_array' && bpf.perfBuffer) return new Records(bpf, handle);
    return undefined;
  }
  private constructor(bpf: BpfSyscalls, handle: MapHandle) {
    if (handle.type === 'ringbuf') {
      this.#take = () => handle.consume?.() ?? [];
      handle.onReady?.(() => this.#wake());
    } else {
      this.#take = () => [];
      bpf.perfBuffer?.(handle, ({ data }) => {
        this.#kept.push(data.slice());
        this.#wake();
      });
    }
  }

  /** All so far. */
  get all(): readonly Uint8Array[] {
    this.#kept.push(...this.#take());
    return this.#kept;
  }
  /** `wake` is called where a reader would be woken from epoll(2). Gives what ends that. */
  onReady(wake: () => void): () => void {
    this.#woken.add(wake);
    return () => this.#woken.delete(wake);
  }
  #wake(): void {
    for (const wake of [...this.#woken]) wake();
  }
}
