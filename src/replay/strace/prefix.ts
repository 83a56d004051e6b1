/**
 * What stands in front of a line's event, in strace's forms:
 *
 *     31683 614.653225                          -o: the pid first, in a column of five
 *     [pid 31684] 11:07:02.123456               stderr: [pid N] once there are two
 *     31683<bash>      0.000031                 -Y: with the command's name; -r: since the line before, in a column of six
 *     [pid 31684] 12:00:01 (+     0.000031)     -t -r
 *     1795348740.88 [  59] [00007f6a8d040ad7]   -ttt, -n: number of the call, -i: instruction pointer
 */
import { PID_MAX_LIMIT } from '../pids.ts';
import {
  CLOSE,
  COLON,
  DOT,
  isDigit,
  isHex,
  LESS,
  LineError,
  OPEN,
  PLUS,
  QUESTION,
  type Scanner,
  SLASH,
  SPACE,
  SQUARE,
  UNSQUARE,
  ZERO,
} from './scanner.ts';
import { skipAnnotation, skipComment } from './value.ts';

/** of -o, which pads shorter ones */
const PID_WIDTH = 5;
/** of the seconds of -r */
const RELATIVE_WIDTH = 6;
/** more cannot be counted exactly in nanoseconds of one recording */
const SECONDS_MAX = 1e12;

/** What the prefix of one line says; filled anew for each line. */
export class Prefix {
  /** 0: it names none */
  pid = 0;
  /** the command's name, where it is shown: from, to */
  commFrom = 0;
  commTo = 0;
  /** as printed: since the epoch, of the day, or since the line before; -1: none */
  seconds = -1;
  nanoseconds = 0;
  relative = false;

  read(s: Scanner): void {
    this.pid = 0;
    this.commTo = 0;
    this.seconds = -1;
    this.nanoseconds = 0;
    this.relative = false;
    let gap = 0;
    let expected = 0;
    const begin = s.at;
    if (s.has('[pid')) {
      this.#bracketed(s);
      expected = 1;
    } else if (isDigit(s.peek())) {
      const n = wholeNumber(s);
      const length = s.at - begin;
      const next = s.peek();
      if (next === COLON || next === DOT || (next === SPACE && n >= PID_MAX_LIMIT && length <= 12)) {
        s.at = begin;
      } else if (next === SPACE || next === LESS) {
        this.#task(s, n);
        expected = s.at - begin === length ? Math.max(1, PID_WIDTH + 1 - length) : 1;
      } else throw new LineError('it begins with a number that is neither a pid nor a time');
    }
    const from = s.at;
    s.skipSpaces();
    gap = s.at - from;
    if (isDigit(s.peek())) this.#time(s, gap, expected);
    if (s.peek() === OPEN && s.peek(1) === PLUS) this.#since(s);
    this.#groups(s);
  }

  #task(s: Scanner, pid: number): void {
    if (pid === 0 || pid >= PID_MAX_LIMIT) throw new LineError('its pid is none that a task can have');
    this.pid = pid;
    if (s.peek() !== LESS) return;
    this.commFrom = s.at + 1;
    s.at = skipAnnotation(s, s.at);
    this.commTo = s.at - 1;
  }
  /** `[pid 12]`, `[pid 12<bash>]`, `[pid 12 /* 3 in strace's PID NS *\/]` */
  #bracketed(s: Scanner): void {
    s.at += 4;
    s.skipSpaces();
    if (!isDigit(s.peek())) throw new LineError('[pid is followed by no number');
    this.#task(s, wholeNumber(s));
    s.skipSpaces();
    if (s.peek() === SLASH) s.at = skipComment(s, s.at);
    s.skipSpaces();
    if (s.peek() !== UNSQUARE) throw new LineError('[pid is not closed');
    s.at++;
  }

  #time(s: Scanner, gap: number, expected: number): void {
    const from = s.at;
    let seconds = wholeNumber(s);
    const width = s.at - from;
    if (s.peek() === COLON) {
      if (width !== 2) throw new LineError('its time of day cannot be read');
      const minutes = pair(s);
      seconds = seconds * 3600 + minutes * 60 + (s.peek() === COLON ? pair(s) : 0);
    } else if (s.peek() !== DOT && s.peek() !== SPACE) throw new LineError('its time cannot be read');
    else {
      const extra = gap - expected;
      this.relative = extra > 0 && (extra + width === RELATIVE_WIDTH || gap >= PID_WIDTH);
    }
    this.seconds = seconds;
    this.#fraction(s);
  }
  /** `(+     0.000031)`: of use where there is no other time. */
  #since(s: Scanner): void {
    s.at += 2;
    s.skipSpaces();
    const known = this.seconds >= 0;
    const { seconds, nanoseconds } = this;
    this.seconds = wholeNumber(s);
    this.#fraction(s);
    if (known) {
      this.seconds = seconds;
      this.nanoseconds = nanoseconds;
    } else this.relative = true;
    if (s.peek() === CLOSE) s.at++;
    s.skipSpaces();
  }
  #fraction(s: Scanner): void {
    if (this.seconds > SECONDS_MAX) throw new LineError('its time is too large');
    let ns = 0;
    if (s.peek() === DOT) {
      s.at++;
      let digits = 0;
      for (; isDigit(s.peek()); s.at++) if (digits++ < 9) ns = ns * 10 + (s.peek() - ZERO);
      for (; digits < 9; digits++) ns *= 10;
    }
    this.nanoseconds = ns;
    s.skipSpaces();
  }

  /** `[  59]` of -n and `[00007f6a8d040ad7]` of -i; question marks where strace does not know. */
  #groups(s: Scanner): void {
    while (s.peek() === SQUARE) {
      let at = s.at + 1;
      for (; at < s.end; at++) {
        const c = s.bytes[at] as number;
        if (!isHex(c) && c !== SPACE && c !== QUESTION) break;
      }
      if (at >= s.end || s.bytes[at] !== UNSQUARE) return;
      s.at = at + 1;
      s.skipSpaces();
    }
  }
}

/** Digits at the place; infinite where there are absurdly many. */
function wholeNumber(s: Scanner): number {
  const { bytes, end } = s;
  let { at } = s;
  let n = 0;
  for (; at < end && isDigit(bytes[at] as number); at++) n = n * 10 + ((bytes[at] as number) - ZERO);
  s.at = at;
  return n;
}

/** `:07` */
function pair(s: Scanner): number {
  if (!isDigit(s.peek(1)) || !isDigit(s.peek(2))) throw new LineError('its time of day cannot be read');
  const n = (s.peek(1) - ZERO) * 10 + (s.peek(2) - ZERO);
  s.at += 3;
  return n;
}
