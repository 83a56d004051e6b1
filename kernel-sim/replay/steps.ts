/** The next steps of a recording: what a task does now depends on what comes behind an unfinished call. */
import type { StepSource, TraceStep } from './trace.ts';

export interface StepsState {
  readonly ahead: readonly TraceStep[];
  readonly position: number;
}

export class Steps {
  readonly source: StepSource;
  readonly #ahead: TraceStep[] = [];
  #ended = false;
  /** a seek that {@link restore} began and that has not ended: whoever goes on waits for it */
  seeking: Promise<void> | undefined;

  constructor(source: StepSource) {
    this.source = source;
  }
  /** Whether {@link first} and {@link second} are what they will be; false while the source waits for more. */
  fill(): boolean {
    if (this.seeking !== undefined) return false;
    while (this.#ahead.length < this.#needed && !this.#ended) {
      const step = this.source.next();
      if (step === 'wait') return false;
      if (step === undefined) this.#ended = true;
      else this.#ahead.push(step);
    }
    return true;
  }
  /** A step is not kept waiting for the one behind it, which may be long in coming: only an unfinished call needs that. */
  get #needed(): number {
    const [first] = this.#ahead;
    return first?.kind === 'call' && first.unfinished ? 2 : 1;
  }
  /** undefined behind the last one */
  get first(): TraceStep | undefined {
    return this.#ahead[0];
  }
  get second(): TraceStep | undefined {
    return this.#ahead[1];
  }
  /** The first one is done. */
  advance(): void {
    this.#ahead.shift();
  }

  save(): StepsState {
    return { ahead: this.#ahead.slice(), position: this.source.position };
  }
  restore({ ahead, position }: StepsState): void {
    this.#ahead.splice(0, this.#ahead.length, ...ahead);
    this.#ended = false;
    this.seeking = undefined;
    if (this.source.position === position) return;
    const seeking = this.source.seek(position);
    // most sources are there at once
    if (this.source.position === position) return;
    const done: Promise<void> = seeking.then(() => {
      if (this.seeking === done) this.seeking = undefined;
    });
    this.seeking = done;
  }
}
