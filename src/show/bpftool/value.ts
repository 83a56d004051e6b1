/** Bytes by their BTF type as `bpftool map dump` shows them: bit fields and 128 bits in hexadecimal, enumerators by name, text as text. */
import { type Btf, BtfError, type BtfInt, type BtfMember, type BtfType, isEnum } from '../../btf/index.ts';
import { decodeUtf8 } from '../../platform/index.ts';
import { type Json, Literal, Members } from '../json.ts';

const MAX_DEPTH = 32;

/** Reads `bits` from bit `bit` of the bytes, little-endian. */
function readBits(bytes: Uint8Array, bit: number, bits: number): bigint {
  let value = 0n;
  for (let at = (bit + bits - 1) >>> 3; at >= bit >>> 3; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return (value >> BigInt(bit & 7)) & ((1n << BigInt(bits)) - 1n);
}
const hex = (value: bigint): Literal => new Literal(`0x${value.toString(16)}`);

/** @throws BtfError where types nest too deeply, or the bytes are too few */
export function shownValue(btf: Btf, id: number, bytes: Uint8Array, offset = 0, depth = 0): Json {
  if (depth > MAX_DEPTH) throw new BtfError('types nest too deeply', { typeId: id });
  const type = btf.resolve(id);
  const nested = (inner: number, at: number): Json => shownValue(btf, inner, bytes, at, depth + 1);
  switch (type.kind) {
    case 'int':
      return integer(type, bytes, offset);
    case 'enum':
    case 'enum64':
      return enumerator(type, bytes, offset);
    case 'ptr': {
      const value = readBits(bytes, offset * 8, 64);
      return new Literal(value === 0n ? '(nil)' : `0x${value.toString(16)}`, value);
    }
    case 'float':
      return float(bytes, offset, type.size);
    case 'array': {
      const stride = btf.sizeOf(type.type);
      const text = isText(btf, type, bytes, offset);
      if (text !== undefined) return text;
      return stride === 0 ? [] : Array.from({ length: type.length }, (_, n) => nested(type.type, offset + n * stride));
    }
    case 'struct':
    case 'union':
      return new Members(type.members.map((m) => [m.name, member(m, bytes, offset, nested)]));
    case 'var':
      return new Members([[type.name, nested(type.type, offset)]]);
    case 'datasec':
      return new Members([[type.name, type.vars.map((v) => nested(v.type, offset + v.offset))]]);
    default:
      throw new BtfError(`a ${type.kind} has no value`, { typeId: id });
  }
}

function member(m: BtfMember, bytes: Uint8Array, offset: number, nested: (id: number, at: number) => Json): Json {
  if (m.bitfieldSize > 0) return hex(readBits(bytes, offset * 8 + m.bitOffset, m.bitfieldSize));
  return nested(m.type, offset + Math.floor(m.bitOffset / 8));
}

function integer(type: BtfInt, bytes: Uint8Array, offset: number): Json {
  const bits = type.bits || type.size * 8;
  const value = readBits(bytes, offset * 8 + type.bitOffset, bits);
  if (type.bitOffset % 8 !== 0 || ![8, 16, 32, 64].includes(bits)) return hex(value);
  if (type.bool) return value !== 0n;
  if (type.char) {
    const code = Number(value);
    return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : new Literal(`0x${code.toString(16)}`);
  }
  return type.signed ? BigInt.asIntN(bits, value) : value;
}

function enumerator(type: BtfType, bytes: Uint8Array, offset: number): Json {
  if (!isEnum(type)) return null;
  const bits = type.size * 8;
  const raw = readBits(bytes, offset * 8, bits);
  const value = type.signed ? BigInt.asIntN(bits, raw) : raw;
  return type.values.find((v) => BigInt.asUintN(bits, v.value) === raw)?.name ?? value;
}

function float(bytes: Uint8Array, offset: number, size: number): Json {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, size);
  if (size === 4) return view.getFloat32(0, true);
  return size === 8 ? view.getFloat64(0, true) : hex(readBits(bytes, offset * 8, size * 8));
}

/** An array of single bytes that is printable up to a NUL. */
function isText(btf: Btf, type: BtfType, bytes: Uint8Array, offset: number): string | undefined {
  if (type.kind !== 'array') return undefined;
  const element = btf.resolve(type.type);
  if (element.kind !== 'int' || element.size !== 1 || element.bits !== 8 || element.bool) return undefined;
  for (let n = 0; n < type.length; n++) {
    const c = bytes[offset + n] ?? 0;
    if (c === 0) return decodeUtf8(bytes, offset, offset + n);
    if (c <= 0x1f || c >= 0x7f) return undefined;
  }
  return undefined;
}
