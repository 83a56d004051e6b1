/**
 * Values that go in a register as they are: numbers, flags joined by `|`, shifts and products (`1<<3`, `8192*1024`),
 * `3</etc/passwd>` of -y, `-100 /* AT_FDCWD *\/` of -X verbose, `htons(80)`. A name that is not known counts as 0.
 */
import { constants } from './constants.ts';
import {
  BRACE,
  CLOSE,
  COMMA,
  GREATER,
  hexDigit,
  isDigit,
  isHex,
  isLetter,
  LESS,
  LineError,
  MINUS,
  OPEN,
  PIPE,
  QUOTE,
  type Scanner,
  SLASH,
  SPACE,
  SQUARE,
  STAR,
  TILDE,
  UNBRACE,
  UNSQUARE,
  ZERO,
} from './scanner.ts';
import { skipString } from './text.ts';

const TWO_32 = 0x1_0000_0000;
const TOO_BIG = 'a number does not fit 64 bits';
const LETTER_X = 0x78;

/** Reads `0x1f`, `017`, `42` or `-1` at the place into lo and hi. */
export function readNumber(s: Scanner): void {
  const negative = s.peek() === MINUS;
  if (negative) s.at++;
  if (s.peek() === ZERO && (s.peek(1) | 0x20) === LETTER_X) {
    s.at += 2;
    digits(s, 4);
  } else if (s.peek() === ZERO && isDigit(s.peek(1))) digits(s, 3);
  else decimal(s);
  if (negative) {
    s.lo = -s.lo | 0;
    s.hi = s.lo === 0 ? -s.hi | 0 : ~s.hi;
  }
}

/** Digits of `bits` bits each: hexadecimal, octal. */
function digits(s: Scanner, bits: number): void {
  const { bytes, end } = s;
  let { at } = s;
  let lo = 0;
  let hi = 0;
  let lost = 0;
  for (; at < end; at++) {
    const c = bytes[at] as number;
    if (!isHex(c)) break;
    const d = hexDigit(c);
    if (d >> bits !== 0) break;
    lost |= hi >>> (32 - bits);
    hi = (hi << bits) | (lo >>> (32 - bits));
    lo = (lo << bits) | d;
  }
  s.at = at;
  if (lost !== 0) throw new LineError(TOO_BIG);
  s.lo = lo;
  s.hi = hi;
}

function decimal(s: Scanner): void {
  const { bytes, end } = s;
  let { at } = s;
  const from = at;
  let value = 0;
  for (; at < end; at++) {
    const c = bytes[at] as number;
    if (!isDigit(c)) break;
    value = value * 10 + (c - ZERO);
  }
  s.at = at;
  if (value <= Number.MAX_SAFE_INTEGER) {
    s.lo = value | 0;
    s.hi = (value / TWO_32) | 0;
    return;
  }
  if (!(value < 2e19)) throw new LineError(TOO_BIG);
  const exact = BigInt(s.text(from, at));
  if (exact >> 64n !== 0n) throw new LineError(TOO_BIG);
  s.lo = Number(BigInt.asIntN(32, exact));
  s.hi = Number(BigInt.asIntN(32, exact >> 32n));
}

/** Shifts lo and hi left; what is shifted out is gone, as in a register that wide. */
function shiftLeft(s: Scanner, lo: number, hi: number, by: number): void {
  if (by >= 64) {
    s.lo = 0;
    s.hi = 0;
  } else if (by >= 32) {
    s.hi = lo << (by - 32);
    s.lo = 0;
  } else {
    s.hi = by === 0 ? hi : (hi << by) | (lo >>> (32 - by));
    s.lo = lo << by;
  }
}

function multiply(s: Scanner, lo: number, hi: number): void {
  const product =
    (BigInt(hi) * BigInt(TWO_32) + BigInt(lo >>> 0)) * (BigInt(s.hi) * BigInt(TWO_32) + BigInt(s.lo >>> 0));
  s.lo = Number(BigInt.asIntN(32, product));
  s.hi = Number(BigInt.asIntN(32, product >> 32n));
}

/** One number or name, with what is done to it. */
function readTerm(s: Scanner): void {
  const inverted = s.peek() === TILDE;
  if (inverted) s.at++;
  const c = s.peek();
  if (isDigit(c) || c === MINUS) {
    readNumber(s);
    const next = s.peek();
    if (next === LESS && s.peek(1) === LESS) {
      const { lo, hi } = s;
      s.at += 2;
      readNumber(s);
      shiftLeft(s, lo, hi, s.hi !== 0 || s.lo >>> 0 > 63 ? 64 : s.lo);
    } else if (next === STAR) {
      const { lo, hi } = s;
      s.at++;
      readNumber(s);
      multiply(s, lo, hi);
    }
  } else if (isLetter(c)) {
    const known = constants().read(s);
    s.lo = known === undefined ? 0 : known | 0;
    s.hi = known === undefined ? 0 : Math.floor(known / TWO_32) | 0;
    if (s.peek() === OPEN) {
      const from = s.at;
      const port = s.has('htons(', from - 5);
      const device = s.has('makedev(', from - 7);
      s.at = skipBrackets(s, from);
      if (port) {
        const to = s.at;
        s.at = from + 1;
        readNumber(s);
        s.lo = ((s.lo & 0xff) << 8) | ((s.lo >> 8) & 0xff);
        s.at = to;
      } else if (device) {
        const to = s.at;
        s.at = from + 1;
        readNumber(s);
        const major = s.lo;
        s.at += 2;
        readNumber(s);
        // new_encode_dev() of include/linux/kdev_t.h
        s.lo = (s.lo & 0xff) | (major << 8) | ((s.lo & ~0xff) << 12);
        s.hi = 0;
        s.at = to;
      }
    }
  } else {
    s.lo = 0;
    s.hi = 0;
  }
  if (inverted) {
    s.lo = ~s.lo;
    s.hi = ~s.hi;
  }
}

/** Reads terms joined by `|` into lo and hi. */
export function readValue(s: Scanner): void {
  readTerm(s);
  if (s.at >= s.end) return;
  let c = s.bytes[s.at];
  if (c !== PIPE) {
    // O_RDWR | O_CLOEXEC, and what else strace says behind a value
    if (c !== SPACE || s.peek(1) !== PIPE) return;
  }
  let { lo, hi } = s;
  for (;;) {
    s.skipSpaces();
    c = s.peek();
    if (c !== PIPE) break;
    s.at++;
    s.skipSpaces();
    readTerm(s);
    lo |= s.lo;
    hi |= s.hi;
  }
  s.lo = lo;
  s.hi = hi;
}

/** Behind a comment that begins at `at`. */
export function skipComment(s: Scanner, at: number): number {
  const { bytes, end } = s;
  for (let i = at + 2; i + 1 < end; i++) if (bytes[i] === STAR && bytes[i + 1] === SLASH) return i + 2;
  throw new LineError('a comment does not end');
}

/** Whether the `<` at `at` is no shift and no comparison. */
const annotates = ({ bytes }: Scanner, at: number): boolean =>
  bytes[at - 1] !== SPACE && bytes[at - 1] !== LESS && bytes[at + 1] !== LESS;

/**
 * Behind what -y and -Y say of a descriptor or a pid, whose `<` is at `at`: `</etc/passwd>`, `</dev/null<char 1:3>>`,
 * `<TCP:[127.0.0.1:54936->127.0.0.1:80]>`. Strace writes angle brackets in paths as escapes.
 */
export function skipAnnotation(s: Scanner, at: number): number {
  const { bytes, end } = s;
  let depth = 0;
  for (let i = at; i < end; i++) {
    const c = bytes[i];
    if (c === LESS) depth++;
    else if (c === GREATER) {
      const next = i + 1 < end ? (bytes[i + 1] as number) : 0;
      if (bytes[i - 1] === MINUS && (isHex(next) || next === SQUARE)) continue;
      if (--depth === 0) return i + 1;
    }
  }
  throw new LineError("what '<' opens does not end");
}

/** Behind the bracket that closes the one at `at`; strings, comments and annotations are passed over. */
export function skipBrackets(s: Scanner, at: number): number {
  const { bytes, end } = s;
  let depth = 0;
  for (let i = at; i < end; i++) {
    const c = bytes[i];
    if (c === QUOTE) i = skipString(s, i) - 1;
    else if (c === SLASH && bytes[i + 1] === STAR) i = skipComment(s, i) - 1;
    else if (c === LESS && annotates(s, i)) i = skipAnnotation(s, i) - 1;
    else if (c === OPEN || c === SQUARE || c === BRACE) depth++;
    else if ((c === CLOSE || c === UNSQUARE || c === UNBRACE) && --depth <= 0) return i + 1;
  }
  throw new LineError('a bracket does not close');
}

/** To the comma or the bracket that ends the argument. False where the line ends first. */
export function skipArgument(s: Scanner): boolean {
  const { bytes, end } = s;
  let i = s.at;
  for (; i < end; i++) {
    const c = bytes[i] as number;
    if (c === COMMA || c === CLOSE) break;
    if (c === QUOTE) i = skipString(s, i) - 1;
    else if (c === OPEN || c === SQUARE || c === BRACE) i = skipBrackets(s, i) - 1;
    else if (c === SLASH && bytes[i + 1] === STAR) i = skipComment(s, i) - 1;
    else if (c === LESS && annotates(s, i)) i = skipAnnotation(s, i) - 1;
  }
  s.at = i;
  return i < end;
}
