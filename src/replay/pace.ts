/** Steps at the times at which they happened, by the host's clock: a replay that can be watched. */
import type { StepSource, TraceStep } from '../../kernel-sim/index.ts';
import { host } from '../platform/index.ts';

/** ms that are slept at most, so that an interruption is heard */
const NAP = 100;

export class PacedSteps implements StepSource {
  readonly #steps: StepSource;
  /** recorded nanoseconds in a millisecond of the host's */
  readonly #rate: number;
  #began: number | undefined;
  #held: TraceStep | undefined;

  /** `speed`: how many times as fast as it happened; 0.5 is half as fast. */
  constructor(steps: StepSource, speed: number) {
    this.#steps = steps;
    this.#rate = speed * 1e6;
  }
  get position(): number {
    return this.#steps.position - (this.#held ? 1 : 0);
  }
  get startRealtime(): bigint | undefined {
    return this.#steps.startRealtime;
  }
  next(): TraceStep | 'wait' | undefined {
    const step = this.#held ?? this.#steps.next();
    this.#held = undefined;
    if (step === undefined || step === 'wait') return step;
    this.#began ??= host.now() - step.time / this.#rate;
    if (this.#left(step) <= 0) return step;
    this.#held = step;
    return 'wait';
  }
  /** ms until it is a step's time */
  #left(step: TraceStep): number {
    return (this.#began as number) + step.time / this.#rate - host.now();
  }
  ready(): Promise<void> {
    return this.#held ? host.sleep(Math.min(NAP, this.#left(this.#held))) : this.#steps.ready();
  }
  async seek(position: number): Promise<void> {
    this.#held = undefined;
    this.#began = undefined;
    await this.#steps.seek(position);
  }
  close(): void {
    this.#steps.close();
  }
}
