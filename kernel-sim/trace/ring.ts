/**
 * One CPU's part of the tracing ring buffer (Linux 6.12 Documentation/trace/ring-buffer-design.rst): of fixed size,
 * in overwrite mode, so that the oldest events go when nobody reads. The reader is told how many. Events are kept as
 * bytes, with what their line's columns are made of; lines are made when somebody reads.
 *
 *     +00  i32  bytes of the text, or -1: the next event is at the buffer's start
 *     +04  i32  pid
 *     +08  f64  time, ns          +10  f64  serial number over all CPUs
 *     +18  i32  preempt_count     +1c  i32  irqs off, need_resched << 1, migration_disabled << 2
 *     +20  comm, 16 bytes         +30  text, up to a multiple of 8
 */
import type { Context, EventState } from '../core/context.ts';

/** buffer_size_kb of Debian's configuration: 1408 KiB a CPU */
const CAPACITY = 1408 * 1024;
/** Linux's own: an event's header (type, length, time delta), `struct trace_entry`, __data_loc of its text, the terminating NUL */
const OVERHEAD = 4 + 8 + 4 + 1;
/** bytes that an event takes in Linux's buffer */
const linuxBytes = (length: number): number => (OVERHEAD + length + 3) & ~3;

const HEADER = 0x30;
const FIRST_BYTES = 1 << 16;
/** copied by a loop up to here, which makes no object for it */
const SHORT = 96;

/** The event that {@link TraceRing.read} gave last. */
export interface TraceEvent extends EventState {
  pid: number;
  time: number;
  serial: number;
  /** comm as four words */
  readonly comm: Int32Array;
  /** where its text lies in `bytes` */
  bytes: Uint8Array;
  from: number;
  length: number;
}

export class TraceRing {
  #u8 = new Uint8Array(FIRST_BYTES);
  #i32 = new Int32Array(this.#u8.buffer);
  #f64 = new Float64Array(this.#u8.buffer);
  /** positions grow for ever; an offset is a position modulo the buffer's size */
  #head = 0;
  #tail = 0;
  /** of {@link CAPACITY} */
  #used = 0;
  /** events that wait */
  length = 0;
  /** events overwritten since the last read */
  lost = 0;
  readonly #event: TraceEvent = {
    pid: 0,
    time: 0,
    serial: 0,
    preemptCount: 0,
    migrationDisabled: 0,
    irqsOff: false,
    needResched: false,
    comm: new Int32Array(4),
    bytes: this.#u8,
    from: 0,
    length: 0,
  };

  /** Until the tail comes round, nothing is kept of what lies behind it. */
  save() {
    const size = this.#u8.length;
    return {
      size,
      bytes: this.#u8.slice(0, Math.min(this.#tail, size)),
      state: [this.#head, this.#tail, this.#used, this.length, this.lost] as const,
    };
  }
  restore({ size, bytes, state }: ReturnType<TraceRing['save']>): void {
    if (size !== this.#u8.length) this.#use(new Uint8Array(size));
    this.#u8.set(bytes);
    [this.#head, this.#tail, this.#used, this.length, this.lost] = state;
  }
  #use(bytes: Uint8Array<ArrayBuffer>): void {
    this.#u8 = bytes;
    this.#i32 = new Int32Array(bytes.buffer);
    this.#f64 = new Float64Array(bytes.buffer);
  }

  /** An event of the current task: the first `length` bytes of `text`. */
  push(text: Uint8Array, length: number, context: Context, time: number, serial: number): void {
    const size = linuxBytes(length);
    while (this.#used + size > CAPACITY && this.length > 0) {
      this.#drop();
      this.lost++;
    }
    const bytes = (HEADER + length + 7) & ~7;
    while (!this.#room(bytes)) this.#grow();
    const at = this.#offset(this.#tail);
    const word = at >> 2;
    const i32 = this.#i32;
    i32[word] = length;
    i32[word + 1] = context.pid;
    this.#f64[(at >> 3) + 1] = time;
    this.#f64[(at >> 3) + 2] = serial;
    i32[word + 6] = context.preemptCount;
    i32[word + 7] = (context.irqsOff ? 1 : 0) | (context.needResched ? 2 : 0) | (context.migrationDisabled << 2);
    const { comm } = context;
    for (let n = 0; n < 4; n++) i32[word + 8 + n] = comm[n] as number;
    const u8 = this.#u8;
    if (length > SHORT) u8.set(text.subarray(0, length), at + HEADER);
    else for (let n = 0; n < length; n++) u8[at + HEADER + n] = text[n] as number;
    this.#tail += bytes;
    this.#used += size;
    this.length++;
  }
  /** Serial number of the oldest event; infinite where there is none. */
  get next(): number {
    if (this.length === 0) return Number.POSITIVE_INFINITY;
    this.#skip();
    return this.#f64[(this.#offset(this.#head) >> 3) + 2] as number;
  }
  /** Takes the oldest event out, undefined where there is none. The object is good until the next call. */
  read(): TraceEvent | undefined {
    if (this.length === 0) return undefined;
    this.#skip();
    const event = this.#at(this.#offset(this.#head));
    this.#drop();
    return event;
  }
  /** The newest event, which stays. */
  last(bytes: number): TraceEvent {
    return this.#at(this.#offset(this.#tail - ((HEADER + bytes + 7) & ~7)));
  }

  #offset(position: number): number {
    return position % this.#u8.length;
  }
  #at(at: number): TraceEvent {
    const event = this.#event;
    const i32 = this.#i32;
    const word = at >> 2;
    event.length = i32[word] as number;
    event.pid = i32[word + 1] as number;
    event.time = this.#f64[(at >> 3) + 1] as number;
    event.serial = this.#f64[(at >> 3) + 2] as number;
    event.preemptCount = i32[word + 6] as number;
    const bits = i32[word + 7] as number;
    event.irqsOff = (bits & 1) !== 0;
    event.needResched = (bits & 2) !== 0;
    event.migrationDisabled = bits >>> 2;
    for (let n = 0; n < 4; n++) event.comm[n] = i32[word + 8 + n] as number;
    event.bytes = this.#u8;
    event.from = at + HEADER;
    return event;
  }
  /** Goes to the buffer's start where the oldest event is there. */
  #skip(): void {
    const at = this.#offset(this.#head);
    if (this.#i32[at >> 2] === -1) this.#head += this.#u8.length - at;
  }
  #drop(): void {
    this.#skip();
    const length = this.#i32[this.#offset(this.#head) >> 2] as number;
    this.#head += (HEADER + length + 7) & ~7;
    this.#used -= linuxBytes(length);
    this.length--;
    if (this.length === 0) {
      this.#head = 0;
      this.#tail = 0;
    }
  }
  /** Whether so many bytes in one piece are free behind the tail, which goes to the buffer's start where the end is too short. */
  #room(bytes: number): boolean {
    const size = this.#u8.length;
    const at = this.#offset(this.#tail);
    const pad = at + bytes > size ? size - at : 0;
    if (this.#tail + pad + bytes - this.#head > size) return false;
    if (pad > 0) {
      this.#i32[at >> 2] = -1;
      this.#tail += pad;
    }
    return true;
  }
  #grow(): void {
    const old = this.#u8;
    const from = this.#i32;
    const to = new Uint8Array(old.length * 2);
    let tail = 0;
    for (let left = this.length, head = this.#head; left > 0; left--) {
      let at = head % old.length;
      if (from[at >> 2] === -1) {
        head += old.length - at;
        at = 0;
      }
      const bytes = (HEADER + (from[at >> 2] as number) + 7) & ~7;
      to.set(old.subarray(at, at + bytes), tail);
      tail += bytes;
      head += bytes;
    }
    this.#use(to);
    this.#head = 0;
    this.#tail = tail;
  }
}
