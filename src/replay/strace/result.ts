/** What follows a call's arguments: ` = 3`, ` = -1 ENOENT (No such …)`, ` = 0x7f…`, ` = ?`, and `<0.000012>` of -T. */
import { ERRNO } from '../../../kernel-sim/index.ts';
import { DOT, EQUAL, GREATER, isDigit, LESS, MINUS, QUESTION, type Scanner, SPACE, ZERO } from './scanner.ts';
import { readNumber } from './value.ts';
import { Words } from './words.ts';

/** Errors that only strace shows: the kernel restarts such calls itself (include/linux/errno.h). */
const RESTART = {
  ERESTARTSYS: 512,
  ERESTARTNOINTR: 513,
  ERESTARTNOHAND: 514,
  ERESTART_RESTARTBLOCK: 516,
} as const;

const ERRNOS = new Words<number>(Object.entries({ ...ERRNO, ...RESTART }));
const [SLASH, STAR] = [0x2f, 0x2a];
/** an error whose name is not known */
const EPERM = 1;

/** Reads the result into lo and hi: -errno for failures. False where there is none: `?`, or the line ends. */
export function readResult(s: Scanner): boolean {
  s.skipSpaces();
  if (s.peek() !== EQUAL) return false;
  s.at++;
  s.skipSpaces();
  const c = s.peek();
  const unknown = c === QUESTION;
  if (unknown) s.at++;
  else if (isDigit(c) || c === MINUS) readNumber(s);
  else return false;
  if (s.peek() === SPACE && s.peek(1) === 0x45) {
    s.at++;
    const errno = ERRNOS.read(s) ?? EPERM;
    s.lo = -errno;
    s.hi = -1;
    return true;
  }
  return !unknown;
}

/** strace --pidns-translation: a comment behind the result, `182 in strace's PID NS`, has the number that strace knows the task by; 0 where it is not told. */
export function readTranslation(s: Scanner): number {
  s.skipSpaces();
  if (s.peek() !== SLASH || s.peek(1) !== STAR) return 0;
  s.at += 2;
  s.skipSpaces();
  if (!isDigit(s.peek())) return 0;
  readNumber(s);
  return s.hi === 0 ? s.lo : 0;
}

/** ns that the call took, at the line's end with -T; -1 where it is not told. */
export function readDuration(s: Scanner): number {
  const { bytes } = s;
  let at = s.end - 1;
  while (at > 0 && bytes[at] === SPACE) at--;
  if (bytes[at] !== GREATER) return -1;
  let from = at - 1;
  while (from > s.at && (isDigit(bytes[from] as number) || bytes[from] === DOT)) from--;
  if (bytes[from] !== LESS || from + 1 === at) return -1;
  let seconds = 0;
  let scale = 0;
  for (let i = from + 1; i < at; i++) {
    const c = bytes[i] as number;
    if (c === DOT) scale = scale === 0 ? 1 : Number.NaN;
    else {
      seconds = seconds * 10 + (c - ZERO);
      scale *= 10;
    }
  }
  const ns = Math.round((seconds * 1e9) / scale);
  return Number.isSafeInteger(ns) ? ns : -1;
}
