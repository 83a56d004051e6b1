/** Lines of trace_pipe, made from events when they are read (Linux 6.12 Documentation/trace/ftrace.rst, "Trace file format"). */
import { decodeLatin1, decodeUtf8, encodeUtf8 } from '../../src/platform/index.ts';
import { type EventState, flagsColumn } from '../core/context.ts';
import type { TraceFormat } from '../core/options.ts';
import type { TraceEvent } from './ring.ts';

/** What lines have that kernels do not agree on. */
interface Columns {
  /** width of the pid */
  readonly pid: number;
  readonly flags: (event: EventState) => string;
  /** behind the time: the event, or the address that it was written from */
  readonly name: Uint8Array;
}
/**
 * 6.12 has an event for it, and counts preemption and migration; 5.8 wrote it as trace_printk does from address 0, and
 * distributions built it without counting preemption.
 */
const COLUMNS: Readonly<Record<TraceFormat, Columns>> = {
  '6.12': { pid: 7, flags: flagsColumn, name: encodeUtf8('bpf_trace_printk: ') },
  '5.8': {
    pid: 5,
    flags: (event) => `${flagsColumn(event).slice(0, 3).replace('D', 'd').replace('b', '.')}.`,
    name: encodeUtf8('0: '),
  },
};
/** What /sys/kernel/tracing/trace begins with. */
export const HEADERS: Readonly<Record<TraceFormat, string>> = {
  '6.12': `# tracer: nop
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
`,
  '5.8': `# tracer: nop
#
# entries-in-buffer/entries-written: ENTRIES   #P:CPUS
#
#                              _-----=> irqs-off
#                             / _----=> need-resched
#                            | / _---=> hardirq/softirq
#                            || / _--=> preempt-depth
#                            ||| /     delay
#           TASK-PID   CPU#  ||||    TIMESTAMP  FUNCTION
#              | |       |   ||||       |         |
`,
};
const NEWLINE = 10;
const SPACE = 32;
const ZERO = 48;
const COLON = 58;
/** columns, time and event name take less than this */
const PREFIX = 256;
const FIRST_BYTES = 4096;
/** a buffer above this is not kept for the next read */
const KEPT_BYTES = 1 << 20;

/** Collects lines as bytes, and gives them as text at once. */
export class TraceLines {
  readonly #format: Columns;
  #out = new Uint8Array(FIRST_BYTES);
  #length = 0;
  #ascii = true;
  // The columns of the event before: most are the same again.
  #pid = -1;
  readonly #comm = new Int32Array(4);
  #cpu = -1;
  #count = -1;
  #migrate = -1;
  #irqs = false;
  #resched = false;
  /** task and CPU columns; flags column; whole seconds */
  #task: Uint8Array = new Uint8Array(0);
  #taskAscii = true;
  #flags: Uint8Array = new Uint8Array(0);
  #seconds = -1;
  #secondsText: Uint8Array = new Uint8Array(0);

  constructor(format: TraceFormat) {
    this.#format = COLUMNS[format];
  }
  /** A line as it is. */
  raw(line: string): void {
    const bytes = encodeUtf8(`${line}\n`);
    this.#reserve(bytes.length);
    this.#length = copy(bytes, this.#out, this.#length);
  }
  /** The line of an event. */
  event(event: TraceEvent, cpu: number): void {
    this.#reserve(PREFIX + event.length);
    this.#columns(event, cpu);
    const out = this.#out;
    let at = copy(this.#task, out, this.#length);
    at = copy(this.#flags, out, at);
    // microseconds, rounded as the kernel does
    const us = Math.floor((event.time + 500) / 1000);
    let rest = us % 1_000_000;
    const seconds = (us - rest) / 1_000_000;
    if (seconds !== this.#seconds) {
      this.#seconds = seconds;
      this.#secondsText = encodeUtf8(`${String(seconds).padStart(5)}.`);
    }
    at = copy(this.#secondsText, out, at);
    for (let n = 5; n >= 0; n--) {
      const tens = (rest / 10) | 0;
      out[at + n] = ZERO + rest - tens * 10;
      rest = tens;
    }
    at += 6;
    out[at++] = COLON;
    out[at++] = SPACE;
    at = copy(this.#format.name, out, at);
    const { bytes, from, length } = event;
    let all = 0;
    for (let n = 0; n < length; n++) {
      const byte = bytes[from + n] as number;
      all |= byte;
      out[at + n] = byte;
    }
    if (all > 0x7f) this.#ascii = false;
    at += length;
    out[at++] = NEWLINE;
    this.#length = at;
  }
  /** The lines so far, each with its newline; the next ones begin anew. */
  take(): string {
    const text = this.#ascii ? decodeLatin1(this.#out, 0, this.#length) : decodeUtf8(this.#out, 0, this.#length);
    this.#length = 0;
    this.#ascii = true;
    if (this.#out.length > KEPT_BYTES) this.#out = new Uint8Array(FIRST_BYTES);
    return text;
  }

  #columns(event: TraceEvent, cpu: number): void {
    const { comm } = event;
    const mine = this.#comm;
    if (
      event.pid !== this.#pid ||
      cpu !== this.#cpu ||
      comm[0] !== mine[0] ||
      comm[1] !== mine[1] ||
      comm[2] !== mine[2] ||
      comm[3] !== mine[3]
    ) {
      this.#pid = event.pid;
      this.#cpu = cpu;
      mine.set(comm);
      const bytes = new Uint8Array(comm.slice().buffer);
      // trace_find_cmdline(): CPUs' idle tasks have one name
      const name = event.pid === 0 ? '<idle>' : decodeUtf8(bytes, 0, bytes.indexOf(0));
      this.#task = encodeUtf8(
        `${name.padStart(16)}-${String(event.pid).padEnd(this.#format.pid)} [${String(cpu).padStart(3, '0')}] `,
      );
      this.#taskAscii = this.#task.every((byte) => byte < 0x80);
    }
    if (!this.#taskAscii) this.#ascii = false;
    if (
      event.preemptCount !== this.#count ||
      event.migrationDisabled !== this.#migrate ||
      event.irqsOff !== this.#irqs ||
      event.needResched !== this.#resched ||
      this.#flags.length === 0
    ) {
      this.#count = event.preemptCount;
      this.#migrate = event.migrationDisabled;
      this.#irqs = event.irqsOff;
      this.#resched = event.needResched;
      this.#flags = encodeUtf8(`${this.#format.flags(event)} `);
    }
  }
  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#out.length) return;
    const out = new Uint8Array(Math.max(2 * this.#out.length, this.#length + bytes));
    out.set(this.#out.subarray(0, this.#length));
    this.#out = out;
  }
}

/** A short text, copied without a view of it; where the copy ends. */
function copy(from: Uint8Array, to: Uint8Array, at: number): number {
  for (let n = 0; n < from.length; n++) to[at++] = from[n] as number;
  return at;
}
