/**
 * The argument list of a strace line (strace(1), "The trace output format"):
 *
 *     AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC
 *     "/bin/cat", ["cat", "notes.txt"], 0x7ffd… /* 5 vars *\/
 *     3, {st_mode=S_IFREG|0644, st_size=20, ...}, 0
 *     child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f…
 *
 * Strings are C literals; `"abc"...` was cut short by strace (-s).
 */

import { encodeUtf8 } from '../../platform/index.ts';
import { constant } from './constants.ts';
import type { StraceArg } from './events.ts';

/** Text that is no argument list. */
export class ArgsError extends Error {
  override readonly name = 'ArgsError';
}

const CLOSES: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

/**
 * Cuts `text` from `at` at top-level commas, up to the bracket that closes the list (or the end).
 * Strings and nested brackets are skipped over. Answers the pieces and where the list ended.
 */
export function splitList(text: string, at: number, close: string): { items: string[]; end: number } {
  const items: string[] = [];
  const stack: string[] = [];
  let from = at;
  for (let i = at; i < text.length; i++) {
    const c = text[i] as string;
    if (c === '"') i = endOfString(text, i);
    else if (text.startsWith('/*', i)) i = endOfComment(text, i);
    else if (stack.length === 0 && c === close) {
      push(items, text.slice(from, i));
      return { items, end: i };
    } else if (CLOSES[c] !== undefined) stack.push(CLOSES[c]);
    else if (c === stack.at(-1)) stack.pop();
    else if (c === ',' && stack.length === 0) {
      push(items, text.slice(from, i));
      from = i + 1;
    }
  }
  if (close !== '') throw new ArgsError(`the list of arguments does not end with '${close}'`);
  push(items, text.slice(from));
  return { items, end: text.length };
}

function push(items: string[], piece: string): void {
  const text = piece.trim();
  if (text !== '') items.push(text);
}

function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
  throw new ArgsError('a string does not end');
}

function endOfComment(text: string, at: number): number {
  const end = text.indexOf('*/', at + 2);
  if (end < 0) throw new ArgsError('a comment does not end');
  return end + 1;
}

/** One argument, `name=value` forms included. */
export function parseArg(piece: string): StraceArg {
  const text = piece.replace(/\/\*.*?\*\//g, '').trim();
  const named = /^[a-z_]\w*=(?!=)/.exec(text);
  if (named) return parseArg(text.slice(named[0].length));
  if (text.startsWith('"')) return parseString(text);
  if (text.startsWith('[')) return parseArray(text);
  if (text.startsWith('{') || text.startsWith('~[')) return { kind: 'struct', text };
  return { kind: 'value', value: parseValue(text) };
}

function parseArray(text: string): StraceArg {
  const { items } = splitList(text, 1, ']');
  // [{WIFEXITED(s) && …}], [CHLD], [80]: a structure behind a pointer, unless it lists strings
  if (items.length > 0 && !items.every((item) => item.startsWith('"') || item === '...'))
    return { kind: 'struct', text };
  return { kind: 'array', items: items.filter((item) => item !== '...').map(parseString) };
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, a: 7, b: 8, e: 27 };

/** A C string literal, octal and hexadecimal escapes included. Text outside ASCII is UTF-8. */
function parseString(text: string): StraceArg {
  const end = endOfString(text, 0);
  const bytes: number[] = [];
  for (const part of text.slice(1, end).matchAll(/\\([0-7]{1,3})|\\x([0-9a-fA-F]{1,2})|\\(.)|([^\\]+)/gs)) {
    const [, octal, hex, letter, plain] = part;
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255);
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (letter !== undefined) bytes.push(ESCAPES[letter] ?? letter.charCodeAt(0));
    else bytes.push(...encodeUtf8(plain ?? ''));
  }
  return { kind: 'string', bytes: Uint8Array.from(bytes), truncated: text.startsWith('...', end + 1) };
}

/** Numbers, flags joined by `|`, shifts `1<<3`, sums that strace prints as `~FLAG`; `3</etc/passwd>` of -y. */
function parseValue(text: string): bigint {
  let value = 0n;
  for (const part of text.replace(/<[^<>]*>$/, '').split('|')) value |= parseTerm(part.trim());
  return BigInt.asUintN(64, value);
}

function parseTerm(text: string): bigint {
  if (/^-?0x[0-9a-f]+$/i.test(text)) return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text);
  if (/^0[0-7]+$/.test(text)) return BigInt(`0o${text.slice(1)}`);
  if (/^-?\d+$/.test(text)) return BigInt(text);
  const shift = /^(\d+)<<(\d+)$/.exec(text);
  if (shift) return BigInt(shift[1] as string) << BigInt(shift[2] as string);
  return BigInt(constant(text.replace(/^~/, '')) ?? 0);
}
