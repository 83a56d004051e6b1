/**
 * The verifier's log (kernel/bpf/log.c): bytes, as a loader's buffer has them, in chunks, so that a million lines leave no
 * million strings. It can be cut back to an earlier position, as Linux does below level 2. As Linux's,
 * it is a window on the end of what was written: where there is no more room, the oldest goes.
 */
import { decodeLatin1, decodeUtf8, encodeLatin1, encodeUtf8 } from '../../platform/index.ts';
import { BPF_LOG_LEVEL1, BPF_LOG_LEVEL2 } from '../../uapi/index.ts';

/** bytes kept where the loader names no buffer */
const DEFAULT_SIZE = (1 << 27) - 1;
const LOG_LEVEL = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2;
/** bytes of a chunk: what is written is a rope until there are so many */
const CHUNK = 1 << 12;

export class Log {
  readonly level: number;
  /** bytes so far, `end_pos` */
  end = 0;
  /** the largest that `end` was: `len_max` less the end's own byte */
  longest = 0;
  readonly #size: number;
  readonly #chunks: string[] = [];
  /** what was written behind the last chunk, and last of all: that is often cut back by its line's end */
  #pending = '';
  #last = '';
  /** position of the first chunk that is left */
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
    return (this.level & BPF_LOG_LEVEL2) !== 0;
  }

  /** @param text a character a byte: {@link byteString} of what may have others than ASCII's */
  write(text: string): void {
    if (this.level === 0) return;
    this.#pending += this.#last;
    this.#last = text;
    this.end += text.length;
    if (this.end > this.longest) this.longest = this.end;
    if (this.#pending.length >= CHUNK) this.#flush();
  }

  /** Makes a chunk of what is behind the last one. */
  #flush(): void {
    this.#pending += this.#last;
    this.#last = '';
    if (this.#pending === '') return;
    // looking into a rope copies it together, and lets its parts go
    this.#pending.charCodeAt(0);
    this.#chunks.push(this.#pending);
    this.#pending = '';
    if (this.end - this.#start > this.#size + (this.#size >> 3)) this.#forget();
  }
  /** The chunks that the window has left behind go. */
  #forget(): void {
    let gone = 0;
    for (; ; gone++) {
      const { length } = this.#chunks[gone] as string;
      if (this.end - this.#start - length < this.#size) break;
      this.#start += length;
    }
    this.#chunks.splice(0, gone);
  }

  /** `bpf_vlog_reset` */
  truncate(end: number): void {
    while (this.end > end) {
      if (this.#last === '') {
        this.#last = this.#pending;
        this.#pending = '';
      }
      if (this.#last === '') {
        const chunk = this.#chunks.pop();
        if (chunk === undefined) return;
        this.#last = chunk;
      }
      const cut = Math.min(this.end - end, this.#last.length);
      this.#last = this.#last.slice(0, this.#last.length - cut);
      this.end -= cut;
    }
  }

  /** What is left of it, as a rope of the chunks: it is copied together when somebody looks into it. */
  get text(): string {
    this.#flush();
    let text = '';
    let skip = Math.max(0, this.end - this.#start - this.#size);
    for (const chunk of this.#chunks) {
      const from = Math.min(skip, chunk.length);
      skip -= from;
      text += fromByteString(from === 0 ? chunk : chunk.slice(from));
    }
    return text;
  }
  /** The last bytes of it, as text. */
  tail(bytes: number): string {
    this.#flush();
    let text = '';
    for (let n = this.#chunks.length - 1; n >= 0 && text.length < bytes; n--) text = `${this.#chunks[n]}${text}`;
    return fromByteString(text.slice(-bytes));
  }
}

/** Text as the bytes that it is in a file, a character each. */
export const byteString = (text: string): string => (ASCII.test(text) ? text : decodeLatin1(encodeUtf8(text)));
const fromByteString = (text: string): string => (ASCII.test(text) ? text : decodeUtf8(encodeLatin1(text)));
const ASCII = /^[\x00-\x7f]*$/;
