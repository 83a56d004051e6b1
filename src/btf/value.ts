/**
 * Bytes as plain JavaScript values by their BTF type, and back.
 *
 * | C | JavaScript |
 * | --- | --- |
 * | integers up to 4 bytes, floats | number |
 * | 8 and 16 byte integers, pointers | bigint |
 * | `_Bool` | boolean |
 * | enumerations | name of the value, or a number (bigint over 4 bytes) where none has it |
 * | `char[]` | string up to the first NUL |
 * | other arrays | array |
 * | struct, union | object; members of anonymous ones are its own |
 */
import { decodeUtf8, encodeUtf8 } from '../platform/index.ts';
import type { Btf } from './btf.ts';
import { BtfError } from './error.ts';
import { type BtfArray, type BtfComposite, type BtfMember, isComposite, isEnum } from './types.ts';

export type BtfValue = number | bigint | boolean | string | Uint8Array | BtfValue[] | { [member: string]: BtfValue };

const MAX_DEPTH = 32;
/** Bytes of the widest integer that compilers know. */
const MAX_INTEGER = 16;

/** Reads `bits` from bit `bit` of the bytes, little-endian. */
function readBits(bytes: Uint8Array, bit: number, bits: number): bigint {
  let value = 0n;
  const first = bit >>> 3;
  const last = (bit + bits - 1) >>> 3;
  for (let at = last; at >= first; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return (value >> BigInt(bit & 7)) & ((1n << BigInt(bits)) - 1n);
}

function writeBits(bytes: Uint8Array, bit: number, bits: number, value: bigint): void {
  for (let n = 0; n < bits; ) {
    const at = (bit + n) >>> 3;
    const shift = (bit + n) & 7;
    const take = Math.min(8 - shift, bits - n);
    const mask = ((1 << take) - 1) << shift;
    const part = Number((value >> BigInt(n)) & BigInt((1 << take) - 1)) << shift;
    bytes[at] = ((bytes[at] ?? 0) & ~mask) | part;
    n += take;
  }
}

const plain = (value: bigint, size: number): number | bigint => (size <= 4 ? Number(value) : value);

function scalar(btf: Btf, id: number, raw: bigint, bits: number): BtfValue | undefined {
  const type = btf.resolve(id);
  if (type.kind === 'int') {
    if (type.bool) return raw !== 0n;
    return plain(type.signed ? BigInt.asIntN(bits, raw) : raw, type.size);
  }
  if (isEnum(type)) {
    const value = type.signed ? BigInt.asIntN(bits, raw) : raw;
    return type.values.find((v) => v.value === value)?.name ?? plain(value, type.size);
  }
  return type.kind === 'ptr' ? raw : undefined;
}

/** Sets a member whatever its name: `__proto__` is one in C. */
function setMember(object: { [member: string]: BtfValue }, name: string, value: BtfValue): void {
  Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true });
}

class Decoder {
  readonly #btf: Btf;
  readonly #bytes: Uint8Array;
  /** values that may still be made: overlapping members of hand-made BTF multiply */
  #left: number;

  constructor(btf: Btf, bytes: Uint8Array) {
    this.#btf = btf;
    this.#bytes = bytes;
    this.#left = bytes.length * 16 + 10_000;
  }

  value(id: number, offset: number, depth: number): BtfValue {
    const type = this.#btf.resolve(id);
    const size = this.#btf.sizeOf(type.id);
    if (depth > MAX_DEPTH || this.#left-- <= 0) throw new BtfError('types nest too deeply', { typeId: id });
    if (offset + size > this.#bytes.length) {
      throw new BtfError(`${size} bytes at ${offset} lie beyond the ${this.#bytes.length} given`, { typeId: id });
    }
    switch (type.kind) {
      case 'int':
      case 'enum':
      case 'enum64':
      case 'ptr': {
        if (size > MAX_INTEGER) return this.#bytes.slice(offset, offset + size);
        const raw = readBits(this.#bytes, offset * 8, size * 8);
        return scalar(this.#btf, type.id, raw, size * 8) as BtfValue;
      }
      case 'float':
        return this.#float(offset, size);
      case 'array':
        return this.array(type, offset, size, depth);
      case 'struct':
      case 'union': {
        const out: { [member: string]: BtfValue } = {};
        for (const member of type.members) this.#member(member, offset, depth, out);
        return out;
      }
      // a map of global variables: each by its name
      case 'datasec': {
        const out: { [variable: string]: BtfValue } = {};
        for (const { type: variable, offset: at } of type.vars) {
          const { name, kind } = this.#btf.typeById(variable);
          if (kind === 'var') setMember(out, name, this.value(variable, offset + at, depth + 1));
        }
        return out;
      }
      case 'var':
        return this.value(type.type, offset, depth + 1);
      default:
        throw new BtfError(`a ${type.kind} has no value`, { typeId: id });
    }
  }

  #float(offset: number, size: number): BtfValue {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + offset, size);
    if (size === 4) return view.getFloat32(0, true);
    if (size === 8) return view.getFloat64(0, true);
    return this.#bytes.slice(offset, offset + size);
  }

  array(type: BtfArray, offset: number, size: number, depth: number): BtfValue {
    const element = this.#btf.resolve(type.type);
    if (element.kind === 'int' && element.size === 1 && (element.char || element.name === 'char')) {
      const text = this.#bytes.subarray(offset, offset + size);
      const end = text.indexOf(0);
      return decodeUtf8(text, 0, end < 0 ? size : end);
    }
    const stride = this.#btf.sizeOf(type.type);
    if (stride === 0) return [];
    return Array.from({ length: type.length }, (_, n) => this.value(type.type, offset + n * stride, depth + 1));
  }

  #member(member: BtfMember, offset: number, depth: number, out: { [member: string]: BtfValue }): void {
    const bits = member.bitfieldSize;
    if (bits > 0) {
      if (member.name === '') return;
      const value = scalar(this.#btf, member.type, readBits(this.#bytes, offset * 8 + member.bitOffset, bits), bits);
      if (value !== undefined) setMember(out, member.name, value);
      return;
    }
    const value = this.value(member.type, offset + member.bitOffset / 8, depth + 1);
    if (member.name !== '') setMember(out, member.name, value);
    else if (isComposite(this.#btf.resolve(member.type))) {
      for (const [name, part] of Object.entries(value as object)) setMember(out, name, part as BtfValue);
    }
  }
}

/** A value of type `id` at `offset` of the bytes. @throws BtfError where the bytes are too few or the type has no values */
export function decodeValue(btf: Btf, id: number, bytes: Uint8Array, offset = 0): BtfValue {
  return new Decoder(btf, bytes).value(id, offset, 0);
}

/**
 * A value of type `id` of which the bytes may be only the beginning, or which ends in an array without a length that they go
 * on in: programs send of a structure what they filled. Members that the bytes do not reach are missing; of arrays there are
 * the whole elements. @throws BtfError where the type has no values, or is no structure and the bytes are too few
 */
export function decodeSent(btf: Btf, id: number, bytes: Uint8Array): BtfValue {
  const type = btf.resolve(id);
  if (type.kind !== 'struct') return decodeValue(btf, id, bytes);
  const whole = new Uint8Array(Math.max(btf.sizeOf(type.id), bytes.length));
  whole.set(bytes);
  const out = decodeValue(btf, id, whole) as { [member: string]: BtfValue };
  for (const { name, type: of, bitOffset } of type.members) {
    const member = btf.resolve(of);
    const at = Math.floor(bitOffset / 8);
    if (member.kind === 'array' && (member.length === 0 || at + btf.sizeOf(member.id) > bytes.length)) {
      const stride = btf.sizeOf(member.type);
      const there = stride === 0 ? 0 : Math.floor(Math.max(0, bytes.length - at) / stride);
      const element = { ...member, length: there };
      if (name !== '') setMember(out, name, new Decoder(btf, whole).array(element, at, there * stride, 1));
    } else if (at >= bytes.length && btf.sizeOf(of) > 0) delete out[name];
  }
  return out;
}

function toInteger(value: BtfValue, what: string): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new BtfError(`${what} takes an integer, not ${typeof value === 'object' ? 'an object' : String(value)}`);
}

/** Writes `raw` into so many bits. @throws BtfError where it does not fit */
function inBits(raw: bigint, bits: number, what: string): bigint {
  if (raw >= 1n << BigInt(bits) || raw < -(1n << BigInt(bits - 1)))
    throw new BtfError(`${raw} does not fit the ${bits} bits of ${what}`);
  return BigInt.asUintN(bits, raw);
}

function scalarBits(btf: Btf, id: number, value: BtfValue, bits: number, what: string): bigint {
  const type = btf.resolve(id);
  if (isEnum(type) && typeof value === 'string') {
    const found = type.values.find((v) => v.name === value);
    if (!found) throw new BtfError(`${what}: the enumeration has no '${value}'`);
    return inBits(found.value, bits, what);
  }
  if (type.kind === 'int' && type.char && typeof value === 'string' && value.length === 1)
    return BigInt(value.charCodeAt(0)) & 0xffn;
  return inBits(toInteger(value, what), bits, what);
}

/**
 * Writes a value of type `id` at `offset` of the bytes. Members that an object lacks stay as they are.
 *
 * @throws BtfError for a value that does not go with the type
 */
export function encodeValue(
  btf: Btf,
  id: number,
  value: BtfValue,
  bytes: Uint8Array,
  offset = 0,
  what = 'the value',
): void {
  const type = btf.resolve(id);
  const size = btf.sizeOf(type.id);
  if (offset + size > bytes.length)
    throw new BtfError(`${size} bytes at ${offset} lie beyond the ${bytes.length} given`, { typeId: id });
  if (value instanceof Uint8Array) {
    if (value.length > size) throw new BtfError(`${what} has ${size} bytes, not ${value.length}`);
    bytes.set(value, offset);
    return;
  }
  switch (type.kind) {
    case 'int':
    case 'enum':
    case 'enum64':
    case 'ptr':
      if (size > MAX_INTEGER) throw new BtfError(`${what}: integers of ${size} bytes are written as bytes`);
      writeBits(bytes, offset * 8, size * 8, scalarBits(btf, type.id, value, size * 8, what));
      return;
    case 'float': {
      if (typeof value !== 'number') throw new BtfError(`${what} takes a number`);
      const view = new DataView(bytes.buffer, bytes.byteOffset + offset, size);
      if (size === 4) view.setFloat32(0, value, true);
      else if (size === 8) view.setFloat64(0, value, true);
      else throw new BtfError(`${what}: floats of ${size} bytes are not written`);
      return;
    }
    case 'array':
      if (typeof value === 'string') {
        const text = encodeUtf8(value);
        if (text.length > size) throw new BtfError(`${what} has room for ${size} bytes, not ${text.length}`);
        bytes.fill(0, offset, offset + size);
        bytes.set(text, offset);
        return;
      }
      if (!Array.isArray(value)) throw new BtfError(`${what} takes an array`);
      if (value.length > type.length) throw new BtfError(`${what} has ${type.length} elements, not ${value.length}`);
      for (const [n, element] of value.entries())
        encodeValue(btf, type.type, element, bytes, offset + n * btf.sizeOf(type.type), `${what}[${n}]`);
      return;
    case 'struct':
    case 'union':
      if (typeof value !== 'object' || Array.isArray(value)) throw new BtfError(`${what} takes an object`);
      for (const [name, part] of Object.entries(value)) encodeMember(btf, type, name, part, bytes, offset, what);
      return;
    case 'datasec':
      if (typeof value !== 'object' || Array.isArray(value)) throw new BtfError(`${what} takes an object`);
      for (const [name, part] of Object.entries(value)) {
        const found = type.vars.find((v) => btf.typeById(v.type).name === name);
        if (!found) throw new BtfError(`${what}: ${type.name} has no variable '${name}'`);
        encodeValue(btf, found.type, part, bytes, offset + found.offset, name);
      }
      return;
    case 'var':
      encodeValue(btf, type.type, value, bytes, offset, what);
      return;
    default:
      throw new BtfError(`a ${type.kind} has no value`, { typeId: id });
  }
}

function encodeMember(
  btf: Btf,
  type: BtfComposite,
  name: string,
  value: BtfValue,
  bytes: Uint8Array,
  offset: number,
  what: string,
): void {
  const field = btf.offsetOf(type.id, name);
  const where = `${what}.${name}`;
  if (field.bitfieldSize > 0)
    writeBits(
      bytes,
      offset * 8 + field.bitOffset,
      field.bitfieldSize,
      scalarBits(btf, field.type, value, field.bitfieldSize, where),
    );
  else encodeValue(btf, field.type, value, bytes, offset + field.offset, where);
}
