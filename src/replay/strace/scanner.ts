/** A place in the bytes of a recording, and what the small readers of the line share. */
import { decodeUtf8 } from '../../platform/index.ts';

/** A line that cannot be read: the line is lost, the rest is not. @internal becomes a warning */
export class LineError extends Error {
  override readonly name = 'LineError';
}

export const TAB = 0x09;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const OPEN = 0x28;
export const CLOSE = 0x29;
export const STAR = 0x2a;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const LESS = 0x3c;
export const EQUAL = 0x3d;
export const GREATER = 0x3e;
export const QUESTION = 0x3f;
export const SQUARE = 0x5b;
export const BACKSLASH = 0x5c;
export const UNSQUARE = 0x5d;
export const BRACE = 0x7b;
export const PIPE = 0x7c;
export const UNBRACE = 0x7d;
export const TILDE = 0x7e;

const DIGIT = 1;
const HEX = 2;
const LETTER = 4;
/** digits, hexadecimal digits, letters and the underscore */
const CLASS = new Uint8Array(256);
for (let c = 0; c < 256; c++) {
  const s = String.fromCharCode(c);
  CLASS[c] = (/[0-9]/.test(s) ? DIGIT : 0) | (/[0-9a-f]/i.test(s) ? HEX : 0) | (/[a-z_]/i.test(s) ? LETTER : 0);
}
export const isDigit = (c: number): boolean => ((CLASS[c] as number) & DIGIT) !== 0;
export const isHex = (c: number): boolean => ((CLASS[c] as number) & HEX) !== 0;
export const isLetter = (c: number): boolean => ((CLASS[c] as number) & LETTER) !== 0;
export const isWord = (c: number): boolean => ((CLASS[c] as number) & (LETTER | DIGIT)) !== 0;
/** Value of a hexadecimal digit. */
export const hexDigit = (c: number): number => (c <= NINE ? c - ZERO : (c | 0x20) - 0x57);

export class Scanner {
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  /** where the line ends */
  end = 0;
  /** the halves of the value that was read last */
  lo = 0;
  hi = 0;

  set(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }
  /** The byte at the place, or `ahead` of it; 0 behind the line's end. */
  peek(ahead = 0): number {
    const at = this.at + ahead;
    return at < this.end ? (this.bytes[at] as number) : 0;
  }
  skipSpaces(): void {
    const { bytes, end } = this;
    let { at } = this;
    while (at < end && (bytes[at] === SPACE || bytes[at] === TAB)) at++;
    this.at = at;
  }
  /** Whether `text` (ASCII) stands at `at`. */
  has(text: string, at = this.at): boolean {
    if (at + text.length > this.end) return false;
    for (let n = 0; n < text.length; n++) if (this.bytes[at + n] !== text.charCodeAt(n)) return false;
    return true;
  }
  text(from: number, to: number): string {
    return decodeUtf8(this.bytes, from, to);
  }
}

/** What stands in the recording, fit for a message: at most `room` characters, control characters as `\xNN`. */
export function excerpt(s: Scanner, from: number, room = 60): string {
  const text = s.text(from, Math.min(s.end, from + room));
  return text.replace(/[\0-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
