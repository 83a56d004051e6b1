/**
 * The verifier's log (kernel/bpf/log.c). Text is kept in pieces so that a million lines cost no
 * copying, and can be cut back to an earlier position, as Linux does below level 2.
 */
export const LOG_LEVEL1 = 1;
export const LOG_LEVEL2 = 2;
export const LOG_STATS = 4;
const LOG_LEVEL = LOG_LEVEL1 | LOG_LEVEL2;

export class Log {
  readonly level: number;
  /** bytes so far, `end_pos` */
  end = 0;
  #pieces: string[] = [];

  constructor(level: number) {
    this.level = level;
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
  }

  /** `bpf_vlog_reset` */
  truncate(end: number): void {
    while (this.end > end) {
      const last = this.#pieces.pop() as string;
      this.end -= last.length;
      if (this.end < end) {
        this.#pieces.push(last.slice(0, end - this.end));
        this.end = end;
      }
    }
  }

  get text(): string {
    return this.#pieces.join('');
  }
}
