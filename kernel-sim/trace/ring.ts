/**
 * One CPU's part of the tracing ring buffer (Linux 6.12 Documentation/trace/ring-buffer-design.rst): of fixed size,
 * in overwrite mode, so that the oldest events go when nobody reads. The reader is told how many.
 */

/** buffer_size_kb of Debian's configuration: 1408 KiB a CPU */
const CAPACITY = 1408 * 1024;
/** an event's header (type, length, time delta), `struct trace_entry`, __data_loc of its text, the terminating NUL */
const OVERHEAD = 4 + 8 + 4 + 1;

export class TraceRing {
  #lines: string[] = [];
  #sizes: number[] = [];
  /** order over all CPUs */
  #serials: number[] = [];
  #head = 0;
  #bytes = 0;
  /** events overwritten since the last read */
  lost = 0;

  /** `length`: bytes of the event's own text */
  push(line: string, length: number, serial: number): void {
    const size = (OVERHEAD + length + 3) & ~3;
    while (this.#bytes + size > CAPACITY && this.#head < this.#lines.length) {
      this.#bytes -= this.#sizes[this.#head] as number;
      this.#lines[this.#head++] = '';
      this.lost++;
    }
    if (this.#head > 4096 && this.#head * 2 > this.#lines.length) {
      this.#lines = this.#lines.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#serials = this.#serials.slice(this.#head);
      this.#head = 0;
    }
    this.#lines.push(line);
    this.#sizes.push(size);
    this.#serials.push(serial);
    this.#bytes += size;
  }
  get length(): number {
    return this.#lines.length - this.#head;
  }
  /** Takes all events out, the oldest first. */
  drain(): { readonly line: string; readonly serial: number }[] {
    const out = [];
    for (let n = this.#head; n < this.#lines.length; n++) {
      out.push({ line: this.#lines[n] as string, serial: this.#serials[n] as number });
    }
    this.#lines = [];
    this.#sizes = [];
    this.#serials = [];
    this.#head = 0;
    this.#bytes = 0;
    return out;
  }
}
