/** /sys/kernel/tracing/trace_pipe. */
import { checkArgument } from '../../src/errors/argument.ts';
import * as is from '../../src/errors/checks.ts';
import type { TraceBuffer } from './buffer.ts';

export class TracePipe {
  readonly #buffer: TraceBuffer;
  constructor(buffer: TraceBuffer) {
    this.#buffer = buffer;
  }
  /** Everything written since the last read; '' when nothing was. Consumes it. */
  read(): string {
    return this.#buffer.read();
  }
  /** What /sys/kernel/tracing/trace begins with. */
  header(): string {
    return this.#buffer.header();
  }
  /** `told` hears of each line (no newline) the moment it is written; lines then also stay for {@link read}. Gives what ends that. */
  onLine(told: (line: string) => void): () => void {
    checkArgument('told', told, is.callback);
    return this.#buffer.told.add(told);
  }
}
