/**
 * The verifier's log (kernel/bpf/log.c): bytes, as a loader's buffer has them, in chunks outside of V8's heap, so that
 * a million lines leave no million strings. It can be cut back to an earlier position, as Linux does below level 2. As
 * Linux's, it is a window on the end of what was written: where there is no more room, the oldest goes.
 */
import { decodeLatin1, decodeUtf8, encodeLatin1, encodeUtf8 } from '../../platform/index.ts';
import { BPF_LOG_LEVEL1, BPF_LOG_LEVEL2 } from '../../uapi/index.ts';

/** bytes kept where the loader names no buffer */
const DEFAULT_SIZE = (1 << 27) - 1;
const LOG_LEVEL = BPF_LOG_LEVEL1 | BPF_LOG_LEVEL2;
/** what is written is a rope until it has so many characters */
const PIECE = 1 << 12;
const CHUNK = 1 << 18;

/** Whole pieces, so that no character of several bytes is cut. */
class Chunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  used = 0;
  constructor(size: number) {
    this.bytes = new Uint8Array(new ArrayBuffer(size, { maxByteLength: size }));
  }
  get room(): number {
    return this.bytes.length - this.used;
  }
  /** Gives its memory back at once: the collector would wait until there is much of it. */
  release(): void {
    const { buffer } = this.bytes;
    if (buffer.resizable) buffer.resize(0);
  }
}

export class Log {
  readonly level: number;
  /** bytes so far, `end_pos` */
  end = 0;
  /** the largest that `end` was: `len_max` less the end's own byte */
  longest = 0;
  readonly #size: number;
  readonly #chunks: Chunk[] = [];
  /** left by the window, to be used again */
  #spare: Chunk | undefined;
  /** position of the first chunk that is left */
  #start = 0;
  /** what was written behind the last chunk, and last of all: that is often cut back by its line's end */
  #pending = '';
  #last = '';

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
    if (this.#pending.length >= PIECE) this.#store();
  }

  /** Puts the rope into chunks; what was written last stays one, as it is likely to be cut back. */
  #store(): void {
    const bytes = encodeLatin1(this.#pending);
    this.#pending = '';
    let chunk = this.#chunks[this.#chunks.length - 1];
    if (chunk === undefined || chunk.room < bytes.length) {
      if (this.end - this.#start > this.#size + CHUNK) this.#forget();
      chunk = bytes.length > CHUNK ? new Chunk(bytes.length) : (this.#spare ?? new Chunk(CHUNK));
      if (chunk === this.#spare) this.#spare = undefined;
      this.#chunks.push(chunk);
    }
    chunk.bytes.set(bytes, chunk.used);
    chunk.used += bytes.length;
  }
  /** The chunks that the window has left behind go. */
  #forget(): void {
    let gone = 0;
    for (; gone < this.#chunks.length; gone++) {
      const { used } = this.#chunks[gone] as Chunk;
      if (this.end - this.#start - used < this.#size) break;
      this.#start += used;
    }
    for (const chunk of this.#chunks.splice(0, gone)) this.#drop(chunk);
  }
  #drop(chunk: Chunk): void {
    if (this.#spare !== undefined || chunk.bytes.length !== CHUNK) {
      chunk.release();
      return;
    }
    chunk.used = 0;
    this.#spare = chunk;
  }

  /** `bpf_vlog_reset` */
  truncate(end: number): void {
    while (this.end > end) {
      if (this.#last === '') {
        this.#last = this.#pending;
        this.#pending = '';
      }
      const wanted = this.end - end;
      if (this.#last !== '') {
        const cut = Math.min(wanted, this.#last.length);
        this.#last = this.#last.slice(0, this.#last.length - cut);
        this.end -= cut;
        continue;
      }
      const chunk = this.#chunks[this.#chunks.length - 1];
      if (chunk === undefined) return;
      const cut = Math.min(wanted, chunk.used);
      chunk.used -= cut;
      this.end -= cut;
      if (chunk.used === 0) this.#drop(this.#chunks.pop() as Chunk);
    }
  }

  /** What is left of it, as a rope: it is copied together when somebody looks into it. The log has it no more. */
  take(): string {
    let text = '';
    let skip = Math.max(0, this.end - this.#start - this.#size);
    const add = (part: string): void => {
      const from = Math.min(skip, part.length);
      skip -= from;
      text += fromByteString(from === 0 ? part : part.slice(from));
    };
    for (const chunk of this.#chunks) {
      add(decodeLatin1(chunk.bytes, 0, chunk.used));
      chunk.release();
    }
    add(`${this.#pending}${this.#last}`);
    this.#chunks.length = 0;
    this.#pending = '';
    this.#last = '';
    return text;
  }
  /** The last bytes of it, as text. */
  tail(bytes: number): string {
    let text = `${this.#pending}${this.#last}`;
    for (let n = this.#chunks.length - 1; n >= 0 && text.length < bytes; n--) {
      const chunk = this.#chunks[n] as Chunk;
      text = `${decodeLatin1(chunk.bytes, 0, chunk.used)}${text}`;
    }
    return fromByteString(text.slice(-bytes));
  }
}

/** Text as the bytes that it is in a file, a character each. */
export const byteString = (text: string): string => (ASCII.test(text) ? text : decodeLatin1(encodeUtf8(text)));
const fromByteString = (text: string): string => (ASCII.test(text) ? text : decodeUtf8(encodeLatin1(text)));
const ASCII = /^[\x00-\x7f]*$/;
