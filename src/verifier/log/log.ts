/**
 * The verifier's log (kernel/bpf/log.c). Text is kept in pieces so that a million lines cost no
 * copying, and can be cut back to an earlier position, as Linux does below level 2. As Linux's, it
 * is a window on the end of what was written: where there is no more room, the oldest goes.
 */
export const LOG_LEVEL1 = 1;
export const LOG_LEVEL2 = 2;
export const LOG_STATS = 4;
/** bytes kept where the loader names no buffer */
const DEFAULT_SIZE = (1 << 27) - 1;
const LOG_LEVEL = LOG_LEVEL1 | LOG_LEVEL2;

export class Log {
  readonly level: number;
  /** bytes so far, `end_pos` */
  end = 0;
  readonly #size: number;
  #pieces: string[] = [];
  /** pieces before this one are gone */
  #first = 0;
  /** position of the first piece that is left */
  #start = 0;

  constructor(level: number, size = DEFAULT_SIZE) {
    this.level = level;
    this.#size = size;
  }
  /** More was written than there is room for. */
  get overflowed(): boolean {
    return this.#start > 0 || this.end > this.#size;
  }

  /** States and instructions are printed. */
  get walks(): boolean {
    return (this.level & LOG_LEVEL) !== 0;
  }
  get everyInsn(): boolean {
    return (this.level & LOG_LEVEL2) !== 0;
  }

  write(text: string): void {
    if (this.level === 0 || text.length === 0) return;
    this.#pieces.push(text);
    this.end += text.length;
    if (this.end - this.#start > this.#size) this.#drop();
  }

  #drop(): void {
    while (this.#first < this.#pieces.length - 1) {
      const { length } = this.#pieces[this.#first] as string;
      if (this.end - this.#start - length < this.#size) break;
      this.#start += length;
      this.#first++;
    }
    if (this.#first < 100_000) return;
    this.#pieces = this.#pieces.slice(this.#first);
    this.#first = 0;
  }

  /** `bpf_vlog_reset` */
  truncate(end: number): void {
    while (this.end > end && this.#pieces.length > this.#first) {
      const last = this.#pieces.pop() as string;
      this.end -= last.length;
      if (this.end < end) {
        this.#pieces.push(last.slice(0, end - this.end));
        this.end = end;
      }
    }
  }

  get text(): string {
    const text = this.#pieces.slice(this.#first).join('');
    return text.length > this.#size ? text.slice(text.length - this.#size) : text;
  }
}
