/** Steps that are there already, one after the other. */
import { KernelError } from '../core/errno.ts';
import type { StepSource, Trace, TraceStep } from './trace.ts';

/** A recording as a source. Going back reads it again from its beginning, so its steps must be there to be read again. */
export class TraceSource implements StepSource {
  readonly startRealtime: bigint | undefined;
  readonly #steps: Iterable<TraceStep>;
  #iterator: Iterator<TraceStep> | undefined;
  #position = 0;

  constructor(trace: Trace) {
    this.#steps = trace.steps;
    this.startRealtime = trace.startRealtime;
  }
  get position(): number {
    return this.#position;
  }
  next(): TraceStep | undefined {
    this.#iterator ??= this.#steps[Symbol.iterator]();
    const { done, value } = this.#iterator.next();
    if (done) return undefined;
    this.#position++;
    return value;
  }
  async ready(): Promise<void> {}
  async seek(position: number): Promise<void> {
    if (position < this.#position) {
      const again = this.#steps[Symbol.iterator]();
      if (again === this.#iterator)
        throw new KernelError('ESPIPE', 'the steps of this recording can be read only once: give an array to go back');
      this.#iterator = again;
      this.#position = 0;
    }
    while (this.#position < position) if (this.next() === undefined) break;
  }
  close(): void {
    this.#iterator?.return?.();
  }
}
