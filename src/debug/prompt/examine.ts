/** `x/8xb ADDRESS`: memory as gdb shows it. Formats x d u c s i, sizes b h w g. */
import { addrFromBigInt, formatAddr } from '../../machine/addr.ts';
import { decodeUtf8 } from '../../platform/index.ts';
import { decode, formatInsn } from '../../x86/index.ts';
import { DebugError } from '../error.ts';
import { isArray, isComposite, sizeOf, typeName, type Value } from '../expr/value.ts';
import type { SessionContext } from '../session/context.ts';

const SIZES: Readonly<Record<string, number>> = { b: 1, h: 2, w: 4, g: 8 };
const LINE_BYTES = 16;
const LONGEST = 15;
const MOST = 4096;

/** @throws DebugError where it cannot be read */
export function examine(session: SessionContext, format: string, text: string): string {
  // as gdb: either letter first
  const m = /^(\d*)([xducis]?)([bhwg]?)$/.exec(format) ?? swapped(/^(\d*)([bhwg])([xducis])$/.exec(format));
  if (!m) throw new DebugError(`x/${format}: a count, a format of x d u c s i, a size of b h w g`);
  const count = Math.min(MOST, m[1] === '' ? 1 : Number(m[1]));
  const kind = m[2] || 'x';
  const size = SIZES[m[3] || (kind === 'c' ? 'b' : 'g')] as number;
  let at = addrFromBigInt(session.evaluate(text).bits);
  const read = (bytes: number): Uint8Array => {
    const got = session.scope.memory.read(at, bytes);
    if (got === undefined) throw new DebugError(`cannot read memory at ${formatAddr(at)}`);
    return got;
  };
  const out: string[] = [];
  if (kind === 's') {
    for (let n = 0; n < count; n++) {
      const bytes = session.scope.memory.string(at, 256);
      if (bytes === undefined) throw new DebugError(`no text at ${formatAddr(at)}`);
      out.push(`${formatAddr(at)}: ${JSON.stringify(decodeUtf8(bytes))}`);
      at += bytes.length + 1;
    }
    return out.join('\n');
  }
  if (kind === 'i') {
    for (let n = 0; n < count; n++) {
      const insn = decode(read(LONGEST), 0);
      const length = insn.row < 0 ? 1 : insn.length;
      out.push(
        `${formatAddr(at)}: ${formatInsn(insn, { syntax: 'att', address: at, symbol: (a) => session.places.name(a) }).trimEnd()}`,
      );
      at += length;
    }
    return out.join('\n');
  }
  const bytes = read(count * size);
  const perLine = LINE_BYTES / size;
  for (let n = 0; n < count; n += perLine) {
    const words: string[] = [];
    for (let i = n; i < Math.min(count, n + perLine); i++)
      words.push(word(bytes.subarray(i * size, (i + 1) * size), kind));
    out.push(`${formatAddr(at + n * size)}: ${words.join(' ')}`);
  }
  return out.join('\n');
}

const swapped = (m: RegExpExecArray | null) => m && [m[0], m[1], m[3], m[2]];

const RADIX: Readonly<Record<string, number>> = { x: 16, o: 8, t: 2 };
const PREFIX: Readonly<Record<string, string>> = { x: '0x', o: '0', t: '' };

/** A value as `print/FORMAT` shows it: x d u o t c. @throws DebugError for another format, and for what is no number */
export function formatted(value: Value, format: string): string {
  if (isComposite(value.type) || value.type.kind === 'string' || isArray(value.type))
    throw new DebugError(`${typeName(value.type)} is no number: print it without a format`);
  const bits = 8 * Math.min(8, sizeOf(value.type));
  const unsigned = BigInt.asUintN(bits, value.bits);
  const radix = RADIX[format];
  if (radix !== undefined) return `${PREFIX[format]}${unsigned.toString(radix)}`;
  if (format === 'd') return String(BigInt.asIntN(bits, value.bits));
  if (format === 'u') return String(unsigned);
  if (format === 'c') return `${value.bits} ${word(Uint8Array.of(Number(unsigned & 0xffn)), 'c')}`;
  throw new DebugError(`print/${format}: a format of x d u o t c`);
}

function word(bytes: Uint8Array, kind: string): string {
  let value = 0n;
  for (let n = bytes.length - 1; n >= 0; n--) value = (value << 8n) | BigInt(bytes[n] as number);
  if (kind === 'd') return String(BigInt.asIntN(8 * bytes.length, value));
  if (kind === 'u') return String(value);
  if (kind === 'c')
    return value >= 32n && value < 127n
      ? `'${String.fromCharCode(Number(value))}'`
      : `\\${value.toString(8).padStart(3, '0')}`;
  return value.toString(16).padStart(2 * bytes.length, '0');
}
