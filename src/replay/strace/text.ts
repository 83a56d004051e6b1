/** C string literals as strace prints them: `"abc"`, escapes octal, hexadecimal or by letter; `"abc"...` was cut short (-s). */
import { BACKSLASH, hexDigit, isHex, LineError, QUOTE, type Scanner, ZERO } from './scanner.ts';

const ESCAPES = new Uint8Array(256);
for (let c = 0; c < 256; c++) ESCAPES[c] = c;
for (const [letter, value] of Object.entries({ n: 10, t: 9, r: 13, v: 11, f: 12, a: 7, b: 8, e: 27 }))
  ESCAPES[letter.charCodeAt(0)] = value;

const isOctal = (c: number): boolean => c >= ZERO && c < ZERO + 8;

/** Room for decoded strings, taken from blocks: one allocation for many short strings. */
export class Arena {
  static readonly BLOCK = 1 << 16;
  #block = new Uint8Array(0);
  #used = 0;
  /** At least `length` bytes; what is not used goes back by {@link keep}. */
  #take(length: number): void {
    if (this.#block.length - this.#used >= length) return;
    this.#block = new Uint8Array(Math.max(Arena.BLOCK, length));
    this.#used = 0;
  }
  /** Bytes of the literal between `from` and `to`, which has escapes. */
  decode(bytes: Uint8Array, from: number, to: number): Uint8Array {
    this.#take(to - from);
    const out = this.#block;
    const start = this.#used;
    let n = start;
    for (let at = from; at < to; ) {
      let c = bytes[at++] as number;
      if (c === BACKSLASH && at < to) {
        c = bytes[at++] as number;
        if (isOctal(c)) {
          c -= ZERO;
          for (let k = 0; k < 2 && at < to && isOctal(bytes[at] as number); k++)
            c = (c << 3) | ((bytes[at++] as number) - ZERO);
        } else if (c === 0x78 && at < to && isHex(bytes[at] as number)) {
          c = hexDigit(bytes[at++] as number);
          if (at < to && isHex(bytes[at] as number)) c = (c << 4) | hexDigit(bytes[at++] as number);
        } else c = ESCAPES[c] as number;
      }
      out[n++] = c;
    }
    this.#used = n;
    return out.subarray(start, n);
  }
}

/** Behind the literal whose opening quote is at `at`. */
export function skipString(s: Scanner, at: number): number {
  const { bytes, end } = s;
  for (let i = at + 1; i < end; i++) {
    const c = bytes[i];
    if (c === BACKSLASH) i++;
    else if (c === QUOTE) return i + 1;
  }
  throw new LineError('a string does not end');
}

/** Reads the literal at the place. Text without escapes is a view of the recording's own bytes. */
export function readString(s: Scanner, arena: Arena): Uint8Array {
  const { bytes, end } = s;
  const from = s.at + 1;
  let escaped = false;
  for (let i = from; i < end; i++) {
    const c = bytes[i];
    if (c === BACKSLASH) {
      escaped = true;
      i++;
    } else if (c === QUOTE) {
      s.at = i + 1;
      return escaped ? arena.decode(bytes, from, i) : bytes.subarray(from, i);
    }
  }
  throw new LineError('a string does not end');
}
