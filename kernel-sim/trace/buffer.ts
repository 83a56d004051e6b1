/** The tracing ring buffer, in the text form that trace_pipe gives (Linux 6.12 Documentation/trace/ftrace.rst). */
import type { Clock } from '../core/clock.ts';
import type { Context } from '../core/context.ts';

export class TraceBuffer {
  readonly #clock: Clock;
  readonly #context: Context;
  #lines: string[] = [];
  /** told of each line, without newline, as it is written */
  onLine: ((line: string) => void) | undefined;
  /** events written since boot */
  written = 0;

  constructor(clock: Clock, context: Context) {
    this.#clock = clock;
    this.#context = context;
  }
  /** What bpf_trace_printk writes. */
  bpfPrintk(text: string): void {
    this.event(`bpf_trace_printk: ${text}`);
  }
  /** One event of the current task, e.g. `bpf_trace_printk: Hello`. The writer holds a per-CPU buffer, with preemption off. */
  event(text: string): void {
    const c = this.#context;
    c.extra = 1;
    const line = `${c.taskColumn()} [${String(c.cpu).padStart(3, '0')}] ${c.flagsColumn()} ${formatTime(this.#clock.read())}: ${text}`;
    c.extra = 0;
    this.written++;
    this.#lines.push(line);
    this.onLine?.(line);
  }
  /** Takes all lines out, as reading trace_pipe does. */
  drain(): string[] {
    const lines = this.#lines;
    this.#lines = [];
    return lines;
  }
}

/** Seconds right-aligned in five columns, microseconds rounded as the kernel does. */
export function formatTime(ns: number): string {
  const us = Math.floor((ns + 500) / 1000);
  const rest = us % 1_000_000;
  return `${String((us - rest) / 1_000_000).padStart(5)}.${String(rest).padStart(6, '0')}`;
}
