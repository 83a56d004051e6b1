/** The tracing ring buffer, and its text as trace_pipe gives it (Linux 6.12 Documentation/trace/ftrace.rst). */
import { encodeUtf8 } from '../../src/platform/index.ts';
import type { Clock } from '../core/clock.ts';
import type { Context } from '../core/context.ts';
import { Listeners } from '../core/listeners.ts';
import type { TraceFormat } from '../core/options.ts';
import { capture, reinstate } from '../core/state.ts';
import { HEADERS, TraceLines } from './lines.ts';
import { TraceRing } from './ring.ts';

export class TraceBuffer {
  readonly #clock: Clock;
  readonly #context: Context;
  readonly #rings: TraceRing[] = [];
  readonly #lines: TraceLines;
  readonly #format: TraceFormat;
  /** told of each line, without newline, as it is written */
  readonly told = new Listeners<[line: string]>();
  /** events written since boot */
  written = 0;

  constructor(clock: Clock, context: Context, cpus: number, format: TraceFormat) {
    this.#format = format;
    this.#lines = new TraceLines(format);
    this.#clock = clock;
    this.#context = context;
    for (let n = 0; n < cpus; n++) this.#rings.push(new TraceRing());
  }
  save() {
    return capture({ rings: this.#rings, written: this.written });
  }
  restore(state: ReturnType<TraceBuffer['save']>): void {
    this.written = reinstate(state).written;
  }

  /** An event of bpf_trace_printk by the current task: the first `length` bytes of `text`. */
  bpfPrintk(text: string | Uint8Array, length = text.length): void {
    if (typeof text === 'string') {
      const bytes = encodeUtf8(text);
      this.bpfPrintk(bytes, bytes.length);
      return;
    }
    const { cpu } = this.#context;
    const ring = this.#rings[cpu] as TraceRing;
    ring.push(text, length, this.#context, this.#clock.read(), ++this.written);
    if (!this.told.any) return;
    this.#lines.event(ring.last(length), cpu);
    this.told.tell(this.#lines.take().slice(0, -1));
  }
  /** Events that wait to be read. */
  get waiting(): number {
    return this.#rings.reduce((sum, r) => sum + r.length, 0);
  }
  /** Takes all events out, as reading trace_pipe does: lines in order of time, behind one for each CPU whose events were overwritten. */
  read(): string {
    const lines = this.#lines;
    this.#rings.forEach((ring, cpu) => {
      if (ring.lost > 0) lines.raw(`CPU:${cpu} [LOST ${ring.lost} EVENTS]`);
      ring.lost = 0;
    });
    for (;;) {
      // the CPU whose turn it is, and the serial number at which another one's comes
      let turn = 0;
      let first = Number.POSITIVE_INFINITY;
      let until = Number.POSITIVE_INFINITY;
      for (let cpu = 0; cpu < this.#rings.length; cpu++) {
        const { next } = this.#rings[cpu] as TraceRing;
        if (next < first) {
          until = first;
          first = next;
          turn = cpu;
        } else if (next < until) until = next;
      }
      if (first === Number.POSITIVE_INFINITY) return lines.take();
      const ring = this.#rings[turn] as TraceRing;
      while (ring.next < until) lines.event(ring.read() as NonNullable<ReturnType<TraceRing['read']>>, turn);
    }
  }
  /** Lines in front of the events in /sys/kernel/tracing/trace. */
  header(): string {
    const entries = `${this.waiting}/${this.written}`;
    return HEADERS[this.#format].replace('ENTRIES', entries).replace('CPUS', String(this.#rings.length));
  }
}
