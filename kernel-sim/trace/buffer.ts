/** The tracing ring buffer, in the text form that trace_pipe gives (Linux 6.12 Documentation/trace/ftrace.rst). */
import type { Clock } from '../core/clock.ts';
import type { Context } from '../core/context.ts';
import { TraceRing } from './ring.ts';

export class TraceBuffer {
  readonly #clock: Clock;
  readonly #context: Context;
  readonly #rings: TraceRing[] = [];
  /** told of each line, without newline, as it is written */
  onLine: ((line: string) => void) | undefined;
  /** events written since boot */
  written = 0;

  constructor(clock: Clock, context: Context, cpus: number) {
    this.#clock = clock;
    this.#context = context;
    for (let n = 0; n < cpus; n++) this.#rings.push(new TraceRing());
  }
  /** What bpf_trace_printk writes. */
  bpfPrintk(text: string): void {
    this.event(`bpf_trace_printk: ${text}`);
  }
  /** One event of the current task, e.g. `bpf_trace_printk: Hello`. The writer holds a per-CPU buffer, with preemption off. */
  event(text: string): void {
    const c = this.#context;
    c.extra = 1;
    const time = formatTime(this.#clock.read());
    const line = `${c.taskColumn()} [${c.cpuColumn()}] ${c.flagsColumn()} ${time}: ${text}`;
    c.extra = 0;
    this.written++;
    (this.#rings[c.cpu] as TraceRing).push(line, text.length - 'bpf_trace_printk: '.length, this.written);
    this.onLine?.(line);
  }
  /** Events that wait to be read. */
  get waiting(): number {
    return this.#rings.reduce((sum, r) => sum + r.length, 0);
  }
  /** Takes all lines out, as reading trace_pipe does: in order of time, with a line where events were overwritten. */
  drain(): string[] {
    const lost = this.#rings.flatMap((_, cpu) => this.#lost(cpu));
    const events = this.#rings.flatMap((ring) => ring.drain());
    if (this.#rings.length > 1) events.sort((a, b) => a.serial - b.serial);
    return [...lost, ...events.map((e) => e.line)];
  }
  #lost(cpu: number): string[] {
    const ring = this.#rings[cpu] as TraceRing;
    const { lost } = ring;
    ring.lost = 0;
    return lost > 0 ? [`CPU:${cpu} [LOST ${lost} EVENTS]`] : [];
  }
  /** Lines in front of the events in /sys/kernel/tracing/trace. */
  header(): string {
    const entries = `${this.waiting}/${this.written}`;
    return HEADER.replace('ENTRIES', entries).replace('CPUS', String(this.#rings.length));
  }
}

const HEADER = `# tracer: nop
#
# entries-in-buffer/entries-written: ENTRIES   #P:CPUS
#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
`;

/** Seconds right-aligned in five columns, microseconds rounded as the kernel does. */
export function formatTime(ns: number): string {
  const us = Math.floor((ns + 500) / 1000);
  const rest = us % 1_000_000;
  return `${String((us - rest) / 1_000_000).padStart(5)}.${String(rest).padStart(6, '0')}`;
}
