/** A workload in the place of a recording that is read: its steps come from the script, none from bytes. */
import type { Trace, TraceStep } from '../../../kernel-sim/index.ts';
import type { RecordingParser } from '../stream.ts';
import { LineWarnings } from '../warnings.ts';

export class WorkloadSteps implements RecordingParser {
  readonly warnings = new LineWarnings();
  readonly epoch = undefined;
  readonly #first: TraceStep[];
  readonly #steps: Iterator<TraceStep>;
  tasks = 0;

  constructor({ tasks, steps }: Trace) {
    this.#first = tasks.map(({ pid, comm }) => ({ kind: 'task', pid, comm, time: 0 }));
    this.#steps = steps[Symbol.iterator]();
  }
  push(): void {}
  end(): void {}
  next(): TraceStep | undefined {
    const step = this.#first.shift() ?? this.#steps.next().value;
    if (step?.kind === 'task') this.tasks++;
    return step;
  }
}
