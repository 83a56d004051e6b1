/**
 * The verifier's log (kernel/bpf/log.c). Text is kept in pieces so that a million lines cost no
 * copying, and can be cut back to an earlier position, as Linux does below level 2. As Linux's, it
 * is a window on the end of what was written: where there is no more room, the oldest goes.
 */
import { BPF_LOG_LEVEL1, BPF_LOG_LEVEL2 } from '../../uapi/index.ts';

/** bytes kept where the loader names no buffer */
const DEFAULT_SIZE = (1 << 27) - 1;
const LOG_LEVEL = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2;
/** characters of a piece: lines are joined, as millions of strings would keep the garbage collector busy */
const PIECE = 1 << 16;

export class Log {
  readonly level: number;
  /** bytes so far, `end_pos` */
  end = 0;
  /** the largest that `end` was: `len_max` less the end's own byte */
  longest = 0;
  readonly #size: number;
  #pieces: string[] = [];
  /** position of the first piece that is left */
  #start = 0;
  /** what was written behind the last piece, and how much that is */
  #lines: string[] = [];
  #length = 0;

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
    return (this.level & BPF_LOG_LEVEL2) !== 0;
  }

  write(text: string): void {
    if (this.level === 0 || text.length === 0) return;
    this.#lines.push(text);
    this.end += text.length;
    if (this.end > this.longest) this.longest = this.end;
    this.#length += text.length;
    if (this.#length >= PIECE) this.#join();
  }

  /** Makes a piece of the lines behind the last one. */
  #join(): void {
    if (this.#length === 0) return;
    this.#pieces.push(this.#lines.join(''));
    this.#lines = [];
    this.#length = 0;
    let gone = 0;
    for (; gone < this.#pieces.length - 1; gone++) {
      const { length } = this.#pieces[gone] as string;
      if (this.end - this.#start - length < this.#size) break;
      this.#start += length;
    }
    if (gone > 0) this.#pieces.splice(0, gone);
  }

  /** `bpf_vlog_reset` */
  truncate(end: number): void {
    while (this.end > end) {
      let last = this.#lines.pop();
      if (last === undefined) {
        last = this.#pieces.pop();
        if (last === undefined) return;
      } else this.#length -= last.length;
      this.end -= last.length;
      if (this.end < end) this.write(last.slice(0, end - this.end));
    }
  }

  get text(): string {
    this.#join();
    const [first = '', ...rest] = this.#pieces;
    const length = this.end - this.#start;
    // a rope of the pieces: it is copied together when somebody looks into it
    let text = length > this.#size ? first.slice(length - this.#size) : first;
    for (const piece of rest) text += piece;
    return text;
  }
}
