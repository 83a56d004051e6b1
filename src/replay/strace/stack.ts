/**
 * Lines of `strace -k` behind a call's:
 *
 *      > /usr/lib/x86_64-linux-gnu/libc.so.6(__open64+0x12) [0x10e53]
 *      > /home/demo/a.out(main+0x1c) [0x1155] /home/demo/a.c:7                  with debug information
 */
import type { UserFrame } from '../../../kernel-sim/index.ts';
import { CLOSE, GREATER, OPEN, PLUS, type Scanner, SPACE, SQUARE } from './scanner.ts';
import { readNumber } from './value.ts';

/** Whether a line that begins at `at` is a frame. */
export const isFrame = (bytes: Uint8Array, at: number): boolean => bytes[at] === SPACE && bytes[at + 1] === GREATER;

/** The frame of a line; undefined where strace could not find out. */
export function readFrame(s: Scanner): UserFrame | undefined {
  const { bytes, end } = s;
  s.at += 2;
  s.skipSpaces();
  const from = s.at;
  let square = end - 1;
  while (square > from && bytes[square] !== SQUARE) square--;
  if (square <= from) return undefined;
  s.at = square + 1;
  readNumber(s);
  const offset = (s.hi >>> 0) * 0x1_0000_0000 + (s.lo >>> 0);
  let close = square - 1;
  while (close > from && bytes[close] === SPACE) close--;
  if (bytes[close] !== CLOSE) return { file: s.text(from, close + 1), offset };
  let open = close;
  while (open > from && bytes[open] !== OPEN) open--;
  const file = s.text(from, open);
  let plus = close;
  while (plus > open && bytes[plus] !== PLUS) plus--;
  if (plus <= open + 1) return { file, offset };
  s.at = plus + 1;
  readNumber(s);
  return { file, offset, symbol: s.text(open + 1, plus), symbolOffset: s.lo >>> 0 };
}
