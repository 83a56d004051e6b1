/** Prints what a format says, as bytes (Linux 6.12 Documentation/core-api/printk-formats.rst). Common conversions make no objects. */

import { type Addr, addrOf } from '../../../../src/machine/addr.ts';
import { encodeLatin1 } from '../../../../src/platform/index.ts';
import type { Conversion } from './format.ts';

/** What a format reads besides its arguments. */
export interface FormatEnv {
  /** copies a string of the kernel ('k'), of user space ('u') or of either ('s'), at most `max` bytes with its end; its length, -1 where it cannot be read */
  string(at: Addr, space: string, max: number, to: Uint8Array): number;
  /** bytes of kernel memory, zeroes where they cannot be read */
  bytes(at: Addr, size: number): Uint8Array;
  /** as %ps (name), %pS (name, offset and size) or %pB (for return addresses: the symbol of the byte before) prints an address */
  symbol(at: Addr, form: string): string;
  /** what %p prints in an address's place, u32 */
  hash(lo: number, hi: number): number;
}

/** MAX_BPRINTF_BUF: room for the strings of one call. */
const STRINGS_MAX = 512;
const SPACE = 32;
const PLUS = 43;
const MINUS = 45;
const ZERO = 48;
const TWO32 = 0x1_0000_0000;
/** digits above 9, from 10 on */
const LOWER = 97 - 10;
const UPPER = 65 - 10;

export class FormatPrinter {
  readonly #env: FormatEnv;
  /** the text; its first {@link limit} bytes are kept */
  out = new Uint8Array(1024);
  /** bytes of the whole text, kept or not */
  length = 0;
  #limit = 0;
  /** digits of a number, the last one first */
  readonly #digits = new Uint8Array(24);
  readonly #string = new Uint8Array(STRINGS_MAX);

  constructor(env: FormatEnv) {
    this.#env = env;
  }

  /** Prints with `count` arguments, low and high halves in `words`, at most `limit` bytes. False where the format is refused (EINVAL). */
  print(format: readonly Conversion[], words: Int32Array, count: number, limit: number): boolean {
    this.#limit = limit;
    this.length = 0;
    let used = 0;
    let room = STRINGS_MAX;
    for (let n = 0; n < format.length; n++) {
      const c = format[n] as Conversion;
      if (c.kind === 'text') {
        this.#put(c.text, c.text.length);
        continue;
      }
      if (used >= count) return false;
      const lo = words[2 * used] as number;
      const hi = words[2 * used + 1] as number;
      used++;
      switch (c.kind) {
        case 'integer':
          this.#integer(lo, c.long ? hi : isSigned(c) ? lo >> 31 : 0, c, isSigned(c));
          break;
        case 'string': {
          if (room <= 0) return false;
          const length = Math.max(0, this.#env.string(addrOf(lo, hi), c.letter, room, this.#string));
          room -= length + 1;
          this.#padded(this.#string, length, c);
          break;
        }
        case 'char':
          this.#string[0] = lo;
          this.#padded(this.#string, 1, c);
          break;
        case 'pointer': {
          // null and error pointers are printed as they are, others as a hash of 32 bits
          const asIs = (lo === 0 && hi === 0) || (hi === -1 && lo >>> 0 >= 0xffff_f001);
          if (asIs) this.#address(lo, hi, c);
          else this.#address(this.#env.hash(lo, hi) | 0, 0, c);
          break;
        }
        case 'address':
          this.#address(lo, hi, c);
          break;
        case 'symbol':
          this.#text(this.#env.symbol(addrOf(lo, hi), c.letter), c);
          break;
        // these are printed ahead of the rest, without their width
        case 'ipv4':
          this.#bare(ipv4(this.#env.bytes(addrOf(lo, hi), 4), c.long));
          break;
        case 'ipv6':
          this.#bare(ipv6(this.#env.bytes(addrOf(lo, hi), 16), c.long));
          break;
      }
    }
    return true;
  }

  /** Where the next `count` bytes end that are kept; there is room for them. */
  #room(count: number): number {
    const end = Math.min(this.#limit, this.length + count);
    if (end > this.out.length) {
      const out = new Uint8Array(Math.max(end, 2 * this.out.length));
      out.set(this.out);
      this.out = out;
    }
    return end;
  }
  #put(bytes: Uint8Array, length: number): void {
    const end = this.#room(length);
    const { out } = this;
    for (let at = this.length, n = 0; at < end; n++) out[at++] = bytes[n] as number;
    this.length += length;
  }
  #fill(byte: number, count: number): void {
    if (count <= 0) return;
    const end = this.#room(count);
    const { out } = this;
    for (let at = this.length; at < end; at++) out[at] = byte;
    this.length += count;
  }
  #padded(bytes: Uint8Array, length: number, c: Conversion): void {
    if (!c.minus) this.#fill(SPACE, c.width - length);
    this.#put(bytes, length);
    if (c.minus) this.#fill(SPACE, c.width - length);
  }
  #bare(text: string): void {
    const bytes = encodeLatin1(text);
    this.#put(bytes, bytes.length);
  }
  #text(text: string, c: Conversion): void {
    const bytes = encodeLatin1(text);
    this.#padded(bytes, bytes.length, c);
  }
  /** Sixteen digits unless a width is given. */
  #address(lo: number, hi: number, c: Conversion): void {
    if (c.width > 0) {
      this.#number(this.#hex(lo, hi, LOWER), 0, c);
      return;
    }
    const length = this.#hex(lo, hi, LOWER);
    this.#fill(ZERO, 16 - length);
    this.#reversed(length);
  }
  #integer(lo: number, hi: number, c: Conversion, signed: boolean): void {
    if (c.letter === 'x' || c.letter === 'X') {
      this.#number(this.#hex(lo, hi, c.letter === 'x' ? LOWER : UPPER), 0, c);
      return;
    }
    let sign = 0;
    if (signed && hi < 0) {
      sign = MINUS;
      hi = lo === 0 ? -hi | 0 : ~hi;
      lo = -lo | 0;
    } else if (signed && c.plus) sign = PLUS;
    else if (signed && c.space) sign = SPACE;
    this.#number(this.#decimal(lo, hi), sign, c);
  }
  /** A number whose digits are there, with its sign (0: none) and its padding. */
  #number(digits: number, sign: number, c: Conversion): void {
    const length = digits + (sign === 0 ? 0 : 1);
    const zeroes = c.zero && !c.minus;
    if (!zeroes && !c.minus) this.#fill(SPACE, c.width - length);
    if (sign !== 0) this.#fill(sign, 1);
    if (zeroes) this.#fill(ZERO, c.width - length);
    this.#reversed(digits);
    if (c.minus) this.#fill(SPACE, c.width - length);
  }
  #reversed(length: number): void {
    const end = this.#room(length);
    const { out } = this;
    for (let at = this.length, n = length - 1; at < end; n--) out[at++] = this.#digits[n] as number;
    this.length += length;
  }
  /** Digits of an unsigned number: how many. */
  #hex(lo: number, hi: number, letters: number): number {
    const digits = this.#digits;
    let length = 0;
    do {
      const d = lo & 15;
      digits[length++] = d < 10 ? ZERO + d : letters + d;
      lo = (lo >>> 4) | (hi << 28);
      hi >>>= 4;
    } while (lo !== 0 || hi !== 0);
    return length;
  }
  #decimal(lo: number, hi: number): number {
    const digits = this.#digits;
    let high = hi >>> 0;
    let low = lo >>> 0;
    let length = 0;
    while (high !== 0) {
      // each half is divided with the rest of the one above; sums stay below 10 * 2^32
      const quotient = Math.floor(high / 10);
      const sum = (high - quotient * 10) * TWO32 + low;
      high = quotient;
      low = Math.floor(sum / 10);
      digits[length++] = ZERO + (sum - low * 10);
    }
    do {
      const quotient = Math.floor(low / 10);
      digits[length++] = ZERO + (low - quotient * 10);
      low = quotient;
    } while (low !== 0);
    return length;
  }
}

const isSigned = (c: Conversion): boolean => c.letter === 'd' || c.letter === 'i';

/** %pI4 is 127.0.0.1, %pi4 127.000.000.001. */
const ipv4 = (b: Uint8Array, long: boolean): string =>
  Array.from(b, (n) => (long ? String(n).padStart(3, '0') : String(n))).join('.');

/** %pI6 has colons, %pi6 none. */
function ipv6(b: Uint8Array, plain: boolean): string {
  const words = Array.from({ length: 8 }, (_, i) => ((b[2 * i]! << 8) | b[2 * i + 1]!).toString(16).padStart(4, '0'));
  return words.join(plain ? '' : ':');
}
