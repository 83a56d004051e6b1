/** Cuts a stream of bytes into lines, whatever ends them: LF, CR LF, or CR alone. Lines are views; nothing is copied but what a chunk's end divides. */
import type { LineWarnings } from './warnings.ts';

/** what may end a line */
export const LF = 0x0a;
export const CR = 0x0d;

/** Of a line; what is longer is passed over. */
export const LONGEST_LINE = 16 << 20;
const NOTHING = new Uint8Array(0);

export class Lines {
  /** what has arrived and is not cut yet lies from `at` to `filled` */
  bytes: Uint8Array = NOTHING;
  at = 0;
  filled = 0;
  /** looked at already, without finding an end */
  #seen = 0;
  /** the line that was cut last */
  from = 0;
  to = 0;
  /** its number, from 1 */
  line = 0;
  #begun = false;
  #ended = false;
  #skipping = false;
  /** the last line ended with CR: an LF behind it belongs to it */
  #cr = false;

  push(chunk: Uint8Array): void {
    const rest = this.filled - this.at;
    if (rest === 0) {
      this.bytes = chunk;
      this.at = 0;
      this.filled = chunk.length;
      this.#seen = 0;
      return;
    }
    if (this.filled + chunk.length > this.bytes.length) {
      // twice what is there, so that a long line in small chunks is not copied again and again
      const more = new Uint8Array(rest + Math.max(rest, chunk.length));
      more.set(this.bytes.subarray(this.at, this.filled));
      this.bytes = more;
      this.#seen = Math.max(0, this.#seen - this.at);
      this.at = 0;
      this.filled = rest;
    }
    this.bytes.set(chunk, this.filled);
    this.filled += chunk.length;
  }
  end(): void {
    this.#ended = true;
  }

  /** Cuts the next line into from and to. False where its end has not arrived. */
  next(): boolean {
    const { bytes } = this;
    const end = this.filled;
    for (;;) {
      if (!this.#begun && !this.#bom()) return false;
      if (this.#cr && this.at < end) {
        if (bytes[this.at] === LF) this.at++;
        this.#cr = false;
      }
      let i = Math.max(this.#seen, this.at);
      for (; i < end; i++) {
        const c = bytes[i] as number;
        if (c <= CR && (c === LF || c === CR)) break;
      }
      if (i >= end && !(this.#ended && i > this.at)) {
        this.#seen = i;
        if (i - this.at > LONGEST_LINE) {
          this.#skipping = true;
          this.at = i;
        }
        return false;
      }
      this.from = this.at;
      this.to = i;
      this.line++;
      this.#cr = bytes[i] === CR;
      this.at = Math.min(end, i + 1);
      this.#seen = this.at;
      return true;
    }
  }
  /** Whether the line that was cut is the end of one that is too long, which is then among the warnings. */
  isPassedOver(warnings: LineWarnings): boolean {
    const was = this.#skipping;
    this.#skipping = false;
    if (!was && this.to - this.from <= LONGEST_LINE) return false;
    warnings.add(this.line, `it is longer than ${LONGEST_LINE >> 20} MiB`);
    return true;
  }
  /** Passes over a byte order mark. False where it cannot be told yet. */
  #bom(): boolean {
    const { bytes } = this;
    if (this.filled < 3 && !this.#ended) return false;
    if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) this.at = 3;
    this.#begun = true;
    return true;
  }
}
