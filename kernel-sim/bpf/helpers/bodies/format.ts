/**
 * Format strings of bpf_trace_printk and its kin: what `bpf_bprintf_prepare` accepts (bpf-helpers(7), bpf_trace_printk,
 * bpf_snprintf) and how the kernel prints it (Linux 6.12 Documentation/core-api/printk-formats.rst).
 * Text is handled as Latin-1: one character a byte.
 */
import type { Addr } from '../../../../src/machine/addr.ts';

/** What a format reads besides its arguments. */
export interface FormatEnv {
  /** a string of the kernel or of user space, at most `max` bytes; undefined where it cannot be read */
  string(at: Addr, space: 'kernel' | 'user' | 'any', max: number): string | undefined;
  /** bytes of kernel memory, zeroes where they cannot be read */
  bytes(at: Addr, size: number): Uint8Array;
  /** as %ps (name), %pS (name, offset and size) or %pB (for return addresses: the symbol of the byte before) prints an address */
  symbol(at: Addr, form: 's' | 'S' | 'B'): string;
  /** what %p prints in an address's place */
  hash(at: bigint): bigint;
}

interface Spec {
  readonly minus: boolean;
  readonly zero: boolean;
  readonly plus: boolean;
  readonly space: boolean;
  readonly width: number;
}

/** MAX_BPRINTF_BUF: room for the strings of one call. */
const STRINGS_MAX = 512;

const isSpace = (c: string | undefined): boolean => c !== undefined && /[\t-\r ]/.test(c);
const isPunct = (c: string | undefined): boolean => c !== undefined && /[!-/:-@[-`{-~]/.test(c);
const endsSpec = (c: string | undefined): boolean => c === undefined || isSpace(c) || isPunct(c);

/** isprint() and isspace() of the kernel are Latin-1's. */
const PRINTABLE = /^[\t-\r -~\xa0-\xff]*$/;

/** The text, or undefined where the format is refused (EINVAL). `fmt` without its end. */
export function format(fmt: string, args: readonly bigint[], env: FormatEnv): string | undefined {
  let out = '';
  let used = 0;
  let room = STRINGS_MAX;
  if (!PRINTABLE.test(fmt)) return undefined;
  for (let i = 0; i < fmt.length; i++) {
    const plain = fmt.indexOf('%', i);
    if (plain < 0) return out + fmt.slice(i);
    out += fmt.slice(i, plain);
    i = plain;
    if (fmt[i + 1] === '%') {
      out += '%';
      i++;
      continue;
    }
    if (used >= args.length) return undefined;
    i++;
    const flagsAt = i;
    while ('0+- '.includes(fmt[i] ?? 'x')) i++;
    const flags = fmt.slice(flagsAt, i);
    const widthAt = i;
    if (/[1-9]/.test(fmt[i] ?? '')) while (/[0-9]/.test(fmt[i] ?? '')) i++;
    const spec: Spec = {
      minus: flags.includes('-'),
      zero: flags.includes('0'),
      plus: flags.includes('+'),
      space: flags.includes(' '),
      width: Number(fmt.slice(widthAt, i) || 0),
    };
    const arg = BigInt.asUintN(64, args[used++]!);
    const at = Number(BigInt.asIntN(64, arg));
    let string: 'kernel' | 'user' | 'any' | undefined;
    if (fmt[i] === 'p') {
      const next = fmt[i + 1];
      if ((next === 'k' || next === 'u') && fmt[i + 2] === 's') {
        string = next === 'k' ? 'kernel' : 'user';
        i += 2;
      } else if (endsSpec(next) || next === 'K' || next === 'x' || next === 's' || next === 'S' || next === 'B') {
        if (next === 's' || next === 'S' || next === 'B') out += pad(env.symbol(at, next), spec);
        else out += next === 'x' ? hexPointer(arg, spec) : pointer(arg, spec, env);
        if (!endsSpec(next)) i++;
        i = skipSuffix(fmt, i);
        continue;
      } else {
        const family = fmt[i + 2];
        if ((next !== 'i' && next !== 'I') || (family !== '4' && family !== '6')) return undefined;
        i += 2;
        // these are printed ahead of the rest, without their width
        out += family === '4' ? ipv4(env.bytes(at, 4), next === 'i') : ipv6(env.bytes(at, 16), next === 'i');
        i = skipSuffix(fmt, i);
        continue;
      }
    } else if (fmt[i] === 's') string = 'any';
    if (string !== undefined) {
      if (!endsSpec(fmt[i + 1])) return undefined;
      if (room <= 0) return undefined;
      const text = env.string(at, string, room) ?? '';
      room -= text.length + 1;
      out += pad(text, spec);
      continue;
    }
    if (fmt[i] === 'c') {
      out += pad(String.fromCharCode(Number(arg & 0xffn)), spec);
      continue;
    }
    let bits = 32;
    for (let l = 0; l < 2 && fmt[i] === 'l'; l++, i++) bits = 64;
    const conversion = fmt[i];
    if (conversion === undefined || !'iduxX'.includes(conversion)) return undefined;
    out += integer(arg, bits, conversion, spec);
  }
  return out;
}

function integer(arg: bigint, bits: number, conversion: string, spec: Spec): string {
  const signed = conversion === 'd' || conversion === 'i';
  const value = signed ? BigInt.asIntN(bits, arg) : BigInt.asUintN(bits, arg);
  const sign = value < 0n ? '-' : signed && spec.plus ? '+' : signed && spec.space ? ' ' : '';
  const magnitude = value < 0n ? -value : value;
  const hex = conversion === 'x' || conversion === 'X';
  const digits = hex ? magnitude.toString(16) : magnitude.toString();
  const text = conversion === 'X' ? digits.toUpperCase() : digits;
  if (spec.zero && !spec.minus) return sign + text.padStart(spec.width - sign.length, '0');
  return pad(sign + text, spec);
}

const pad = (text: string, spec: Spec): string => (spec.minus ? text.padEnd(spec.width) : text.padStart(spec.width));

/** Null and error pointers are printed as they are, others as a hash of 32 bits. */
function pointer(arg: bigint, spec: Spec, env: FormatEnv): string {
  const isError = arg >= 0xffff_ffff_ffff_f001n;
  return hexPointer(arg === 0n || isError ? arg : env.hash(arg), spec);
}

/** Sixteen digits unless a width is given. */
const hexPointer = (value: bigint, spec: Spec): string =>
  spec.width === 0 ? value.toString(16).padStart(16, '0') : integer(value, 64, 'x', spec);

/** Letters and digits behind a pointer conversion belong to it, whether or not they mean anything. */
function skipSuffix(fmt: string, at: number): number {
  while (/[0-9A-Za-z]/.test(fmt[at + 1] ?? '')) at++;
  return at;
}

/** %pI4 is 127.0.0.1, %pi4 127.000.000.001. */
const ipv4 = (b: Uint8Array, long: boolean): string =>
  Array.from(b, (n) => (long ? String(n).padStart(3, '0') : String(n))).join('.');

/** %pI6 has colons, %pi6 none. */
function ipv6(b: Uint8Array, plain: boolean): string {
  const words = Array.from({ length: 8 }, (_, i) => ((b[2 * i]! << 8) | b[2 * i + 1]!).toString(16).padStart(4, '0'));
  return words.join(plain ? '' : ':');
}
