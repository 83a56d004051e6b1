/** What parsers of line by line formats of user functions share: lines in, steps out, a task named when it is first seen. */
import type { TraceStep } from '../../kernel-sim/index.ts';
import { decodeUtf8 } from '../platform/index.ts';
import { Lines } from './lines.ts';
import type { RecordingParser } from './stream.ts';
import { LineWarnings } from './warnings.ts';

/** bytes of a line that are read */
const MOST = 1 << 14;

export abstract class LineParser implements RecordingParser {
  readonly warnings = new LineWarnings();
  readonly epoch: bigint | undefined = undefined;
  readonly #lines = new Lines();
  readonly #steps: TraceStep[] = [];
  readonly #seen = new Set<number>();
  #ended = false;

  get tasks(): number {
    return this.#seen.size;
  }
  push(chunk: Uint8Array): void {
    this.#lines.push(chunk);
  }
  end(): void {
    this.#ended = true;
    this.#lines.end();
  }
  next(): TraceStep | undefined {
    for (;;) {
      const step = this.#steps.shift();
      if (step) return step;
      if (!this.#lines.next()) return undefined;
      this.#line();
    }
  }
  /** whether there are no more bytes to come */
  protected get ended(): boolean {
    return this.#ended;
  }
  #line(): void {
    const { bytes, from, to, line } = this.#lines;
    if (this.#lines.isPassedOver(this.warnings)) return;
    const text = decodeUtf8(bytes, from, Math.min(to, from + MOST)).trimEnd();
    if (text === '' || text.startsWith('#')) return;
    const problem = this.read(text);
    if (problem !== undefined) this.warnings.add(line, problem);
  }
  protected give(step: TraceStep): void {
    this.#steps.push(step);
  }
  /** A task that the recording names, called by its program's name where that is known. */
  protected see(pid: number, time: number, comm: string): void {
    if (this.#seen.has(pid)) return;
    this.#seen.add(pid);
    this.give({ kind: 'task', pid, time, comm });
  }
  /** Reads one line, giving its steps. A string: why it could not be. */
  protected abstract read(text: string): string | undefined;
}
