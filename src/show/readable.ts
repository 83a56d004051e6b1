/**
 * Bytes by their BTF type as people read them: strings as strings, enumerators and addresses by name, stacks as their
 * functions; members of anonymous structures are their holder's own. `bpftool/value.ts` shows them as bpftool does.
 */
import { type Btf, BtfError, type BtfMember, type BtfType, isComposite, isEnum } from '../btf/index.ts';
import { checkArgument } from '../errors/argument.ts';
import * as is from '../errors/checks.ts';
import { decodeUtf8 } from '../platform/index.ts';
import { type Json, Members } from './json.ts';
import { frames, type Names } from './names.ts';

const MAX_DEPTH = 32;
/** unsigned numbers in between are addresses of the kernel's memory; the last page has errors (IS_ERR_VALUE) and small negative numbers */
const KERNEL_SPACE = 0xffff_8000_0000_0000n;
const ERRORS = 0xffff_ffff_ffff_f000n;
/** members that hold ids of stacks: `kern_stack_id`, `stackid`, `ustack` */
const STACK_ID = /(?:^|_)(?:k|u|kern_|user_|kernel_)?stack_?(?:id)?$/;

/** Reads `bits` from bit `bit` of the bytes, little-endian; what lies behind their end is zero. */
function readBits(bytes: Uint8Array, bit: number, bits: number): bigint {
  let value = 0n;
  for (let at = (bit + bits - 1) >>> 3; at >= bit >>> 3; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return (value >> BigInt(bit & 7)) & ((1n << BigInt(bits)) - 1n);
}

/**
 * A value of type `id` of `btf`. Of a record that ends before its type does the rest reads as zero.
 * @param names what addresses and ids of stacks are called: `namesOf(kernel)`
 * @throws ArgumentError, and BtfError for a type that there is not, or types that nest too deeply
 */
export function readable(btf: Btf, id: number, bytes: Uint8Array, names: Names): Json {
  checkArgument('btf', btf, is.holding('BTF', 'resolve', 'sizeOf'));
  checkArgument('id', id, is.u32);
  checkArgument('bytes', bytes, is.bytes);
  checkArgument('names', names, is.holding('names: namesOf(kernel) gives some', 'symbol', 'stack'));
  return valueAt(btf, id, bytes, names, 0, 0);
}

function valueAt(btf: Btf, id: number, bytes: Uint8Array, names: Names, offset: number, depth: number): Json {
  if (depth > MAX_DEPTH) throw new BtfError('types nest too deeply', { typeId: id });
  const type = btf.resolve(id);
  switch (type.kind) {
    case 'int':
    case 'enum':
    case 'enum64':
    case 'ptr':
      return scalar(type, readBits(bytes, offset * 8, btf.sizeOf(type.id) * 8), btf.sizeOf(type.id) * 8, names);
    case 'float':
      return float(bytes, offset, type.size);
    case 'array':
      return array(btf, type, bytes, offset, names, depth);
    case 'struct':
    case 'union':
      return new Members(type.members.flatMap((m) => member(btf, m, bytes, offset, names, depth)));
    case 'var':
      return valueAt(btf, type.type, bytes, names, offset, depth + 1);
    case 'datasec':
      return new Members(
        type.vars.map((v) => [
          btf.typeById(v.type).name,
          valueAt(btf, v.type, bytes, names, offset + v.offset, depth + 1),
        ]),
      );
    default:
      return null;
  }
}

type Pair = readonly [name: string, value: Json];

function member(
  btf: Btf,
  m: BtfMember,
  bytes: Uint8Array,
  offset: number,
  names: Names,
  depth: number,
): readonly Pair[] {
  const bit = offset * 8 + m.bitOffset;
  if (m.bitfieldSize > 0) {
    if (m.name === '') return [];
    return [[m.name, scalar(btf.resolve(m.type), readBits(bytes, bit, m.bitfieldSize), m.bitfieldSize, names)]];
  }
  const value = valueAt(btf, m.type, bytes, names, bit / 8, depth + 1);
  if (m.name === '') return value instanceof Members && isComposite(btf.resolve(m.type)) ? value.pairs : [];
  const stack =
    STACK_ID.test(m.name) && (typeof value === 'number' || typeof value === 'bigint') && names.stack(Number(value));
  return [[m.name, stack || value]];
}

function scalar(type: BtfType, raw: bigint, bits: number, names: Names): Json {
  if (isEnum(type)) {
    const value = type.signed ? BigInt.asIntN(bits, raw) : raw;
    return type.values.find((v) => BigInt.asUintN(bits, v.value) === raw)?.name ?? number(value);
  }
  if (type.kind === 'ptr') return raw === 0n ? null : (names.symbol(raw) ?? `0x${raw.toString(16)}`);
  if (type.kind !== 'int') return number(raw);
  if (type.bool) return raw !== 0n;
  if (bits === 64) {
    const symbol = names.symbol(raw);
    if (symbol !== undefined) return symbol;
    if (!type.signed && raw >= KERNEL_SPACE && raw < ERRORS) return `0x${raw.toString(16)}`;
  }
  return number(type.signed ? BigInt.asIntN(bits, raw) : raw);
}

const number = (value: bigint): number | bigint =>
  value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;

function float(bytes: Uint8Array, offset: number, size: number): Json {
  const own = new Uint8Array(8);
  own.set(bytes.subarray(offset, offset + Math.min(size, 8)));
  const view = new DataView(own.buffer);
  return size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true);
}

function array(btf: Btf, type: BtfType, bytes: Uint8Array, offset: number, names: Names, depth: number): Json {
  if (type.kind !== 'array') return null;
  const element = btf.resolve(type.type);
  const stride = btf.sizeOf(type.type);
  // a flexible array at the end has what the record has
  const length =
    type.length === 0 && stride > 0 ? Math.max(0, Math.floor((bytes.length - offset) / stride)) : type.length;
  const end = Math.min(bytes.length, offset + length * stride);
  if (element.kind === 'int' && element.size === 1 && !element.bool) {
    const text = textOf(bytes.subarray(offset, end), element.char || element.signed);
    if (text !== undefined) return text;
  }
  if (element.kind === 'int' && element.size === 8 && names.symbol(readBits(bytes, offset * 8, 64)) !== undefined)
    return frames(bytes.subarray(offset, end), names);
  return Array.from({ length }, (_, n) => valueAt(btf, type.type, bytes, names, offset + n * stride, depth + 1));
}

/** What `char[]` holds up to its NUL; of bytes only what is printable, which addresses of hardware seldom are. */
function textOf(bytes: Uint8Array, isChar: boolean): string | undefined {
  const nul = bytes.indexOf(0);
  const end = nul < 0 ? bytes.length : nul;
  if (isChar) return decodeUtf8(bytes, 0, end);
  const printable = end > 0 && bytes.subarray(0, end).every((c) => c >= 0x20 && c < 0x7f);
  return printable && bytes.subarray(end).every((c) => c === 0) ? decodeUtf8(bytes, 0, end) : undefined;
}
