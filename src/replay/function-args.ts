/** Arguments and results of functions as ltrace and uftrace print them: numbers, strings, characters, nil. */
import type { TraceArg } from '../../kernel-sim/index.ts';
import { encodeUtf8 } from '../platform/index.ts';

const NUMBER = /^[-+]?(0x[0-9a-f]+|\d+)(?![.\w])/i;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  '0': '\0',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** Halves of a number's text; undefined where it is none. */
function numberOf(text: string): { lo: number; hi: number } | undefined {
  if (/^(nil|\(nil\)|NULL|<void>)$/.test(text)) return { lo: 0, hi: 0 };
  const char = /^'(\\?.)'$/.exec(text);
  if (char !== null) return { lo: plain(char[1] as string).charCodeAt(0), hi: 0 };
  const match = NUMBER.exec(text);
  if (match === null) return undefined;
  const negative = match[0].startsWith('-');
  const value = BigInt((match[1] as string).toLowerCase());
  const wide = BigInt.asIntN(64, negative ? -value : value);
  return { lo: Number(BigInt.asIntN(32, wide)), hi: Number(BigInt.asIntN(32, wide >> 32n)) };
}
const plain = (text: string): string =>
  text.replace(/\\(x[0-9a-f]{2}|[0-7]{1,3}|.)/gi, (_, code: string) =>
    /^x/i.test(code)
      ? String.fromCharCode(Number.parseInt(code.slice(1), 16))
      : /^[1-7]|^0./.test(code)
        ? String.fromCharCode(Number.parseInt(code, 8))
        : (ESCAPES[code] ?? code),
  );

/** One of them. */
export function argOf(text: string): TraceArg {
  const string = /^"((?:[^"\\]|\\.)*)"(\.\.\.)?/.exec(text);
  if (string !== null) return { kind: 'string', bytes: encodeUtf8(plain(string[1] as string)) };
  const number = numberOf(text);
  return number === undefined ? { kind: 'opaque', text } : { kind: 'int', ...number };
}

/** Splits at commas that are in no string and no brackets. */
export function argsOf(text: string): TraceArg[] {
  const parts: string[] = [];
  let [depth, from, quoted] = [0, 0, ''];
  for (let n = 0; n < text.length; n++) {
    const c = text[n] as string;
    if (quoted !== '') {
      if (c === '\\') n++;
      else if (c === quoted) quoted = '';
    } else if (c === '"' || c === "'") quoted = c;
    else if ('([{'.includes(c)) depth++;
    else if (')]}'.includes(c)) depth--;
    else if (c === ',' && depth === 0) {
      parts.push(text.slice(from, n));
      from = n + 1;
    }
  }
  parts.push(text.slice(from));
  return parts
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(argOf);
}
