/**
 * The argument list of a strace line (strace(1), "The trace output format"):
 *
 *     AT_FDCWD, "/etc/ld.so.cache", O_RDONLY|O_CLOEXEC
 *     "/bin/cat", ["cat", "notes.txt"], 0x7ffd… /* 5 vars *\/
 *     3, {st_mode=S_IFREG|0644, st_size=20, ...}, 0
 *     child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD, child_tidptr=0x7f…
 */
import type { TraceArg } from '../../../kernel-sim/index.ts';
import { decodeUtf8 } from '../../platform/index.ts';
import { dataArg } from './data-args.ts';
import {
  BRACE,
  CLOSE,
  COMMA,
  DOT,
  EQUAL,
  isWord,
  LineError,
  QUOTE,
  type Scanner,
  SLASH,
  SPACE,
  SQUARE,
  STAR,
  TILDE,
  UNSQUARE,
} from './scanner.ts';
import { sockaddr } from './sockaddr.ts';
import { type Arena, readString } from './text.ts';
import { timespec } from './timespec.ts';
import { readValue, skipArgument, skipBrackets, skipComment } from './value.ts';

/** `0x7ffd… /* 5 vars *\/` */
const VARIABLES = /^ \/\* (\d+) vars? \*\//;
/** registers that carry arguments */
const REGISTERS = 6;

/** A structure that strace shows decoded. Its text is made when asked for. */
class Opaque {
  readonly kind = 'opaque';
  readonly #bytes: Uint8Array;
  readonly #from: number;
  readonly #to: number;
  constructor(bytes: Uint8Array, from: number, to: number) {
    this.#bytes = bytes;
    this.#from = from;
    this.#to = to;
  }
  get text(): string {
    return decodeUtf8(this.#bytes, this.#from, this.#to);
  }
  /** `{msg_name={sa_family=AF_INET, …}, …}` */
  get address(): Uint8Array | undefined {
    const { text } = this;
    const at = text.indexOf('{sa_family=');
    return at < 0 ? undefined : sockaddr(text.slice(at, text.indexOf('}', at) + 1));
  }
}

export class Args {
  readonly #arena: Arena;
  /** where each of the first arguments begins, its name included */
  readonly starts = new Int32Array(REGISTERS);

  constructor(arena: Arena) {
    this.#arena = arena;
  }

  /**
   * Reads up to the bracket that closes the list, and past it. `open`: the list may end with the line,
   * as it does where a call has only begun.
   */
  read(s: Scanner, nr: number, open: boolean): TraceArg[] {
    const args: TraceArg[] = [];
    const data = dataArg(nr);
    for (let n = 0; ; n++) {
      while (s.peek() === SPACE || s.peek() === COMMA) s.at++;
      if (s.peek() === CLOSE) break;
      if (s.at >= s.end) {
        if (open) return args;
        throw new LineError("the list of arguments does not end with ')'");
      }
      if (n < REGISTERS) {
        this.starts[n] = s.at;
        args.push(this.#arg(s, n === data));
      }
      const from = s.at;
      if (!skipArgument(s)) continue;
      // a closing bracket of another kind: nothing would be read for ever
      if (s.at === from && s.peek() !== COMMA && s.peek() !== CLOSE) s.at++;
    }
    s.at++;
    return args;
  }

  #arg(s: Scanner, data: boolean): TraceArg {
    for (;;) {
      const c = s.peek();
      if (c === QUOTE) return { kind: data ? 'bytes' : 'string', bytes: readString(s, this.#arena) };
      if (c === SQUARE) return this.#array(s);
      if (c === BRACE || (c === TILDE && s.peek(1) === SQUARE)) return struct(s);
      if (c === SLASH && s.peek(1) === STAR) {
        s.at = skipComment(s, s.at);
        s.skipSpaces();
        continue;
      }
      if (!skipName(s)) break;
    }
    readValue(s);
    const strings = s.has(' /* ') ? VARIABLES.exec(s.text(s.at, Math.min(s.end, s.at + 24)))?.[1] : undefined;
    if (strings !== undefined) return { kind: 'int', lo: s.lo, hi: s.hi, strings: Number(strings) };
    return { kind: 'int', lo: s.lo, hi: s.hi };
  }

  /** `["cat", "notes.txt"]`; what lists anything else is a structure behind a pointer: `[CHLD]`, `[{WIFEXITED(s)…}]`, `[80]` */
  #array(s: Scanner): TraceArg {
    const from = s.at;
    const list: Uint8Array[] = [];
    s.at++;
    for (;;) {
      while (s.peek() === SPACE || s.peek() === COMMA) s.at++;
      const c = s.peek();
      if (c === UNSQUARE) {
        s.at++;
        return { kind: 'strings', list };
      }
      if (c === QUOTE) list.push(readString(s, this.#arena));
      else if (s.has('...')) s.at += 3;
      else break;
      while (s.peek() === DOT) s.at++;
    }
    s.at = from;
    return struct(s);
  }
}

function struct(s: Scanner): TraceArg {
  const from = s.at;
  s.at = skipBrackets(s, from);
  const bytes = s.has('{sa_family=', from)
    ? sockaddr(s.text(from, s.at))
    : s.has('{tv_sec=', from)
      ? timespec(s.text(from, s.at))
      : undefined;
  return bytes ? { kind: 'bytes', bytes } : new Opaque(s.bytes, from, s.at);
}

/** Passes over `name=` in front of a value. */
function skipName(s: Scanner): boolean {
  const first = s.peek();
  // names are lower case, constants are not
  if (first !== 0x5f && (first < 0x61 || first > 0x7a)) return false;
  let { at } = s;
  while (at < s.end && isWord(s.bytes[at] as number)) at++;
  if (at >= s.end || s.bytes[at] !== EQUAL || s.bytes[at + 1] === EQUAL) return false;
  s.at = at + 1;
  return true;
}
