/** Values as text. */
import { type BtfValue, decodeValue } from '../../btf/index.ts';
import { addrFromBigInt } from '../../machine/addr.ts';
import { decodeUtf8, hexBytes } from '../../platform/index.ts';
import type { ValueMemory } from './memory.ts';
import { isArray, isComposite, isPointer, resolved, sizeOf, type Type, target, typeName, type Value } from './value.ts';

/** characters of a string that are shown */
const MOST_CHARS = 64;
const MOST_BYTES = 4096;

export interface Names {
  /** what an address points to, in words; undefined where nothing is known */
  follow(at: bigint): string | undefined;
}

export function printValue(value: Value, memory: ValueMemory, names: Names): string {
  const { type } = value;
  if (type.kind === 'string') return quoted(value.bytes ?? new Uint8Array());
  if (isComposite(type) || isArray(type)) return printLarge(value, memory);
  if (isPointer(type)) return printPointer(value, memory, names);
  const t = resolved(type);
  if (t?.kind === 'int' && t.bool) return value.bits === 0n ? 'false' : 'true';
  if (t?.kind === 'int' && t.char && t.size === 1) return `${value.bits} ${quotedChar(value.bits)}`;
  if (t?.kind === 'enum' || t?.kind === 'enum64') {
    const known = t.values.find((v) => v.value === value.bits);
    return known ? known.name : String(value.bits);
  }
  return String(value.bits);
}

function printPointer(value: Value, memory: ValueMemory, names: Names): string {
  const hex = `0x${BigInt.asUintN(64, value.bits).toString(16)}`;
  const to = target(value.type);
  const inner = to && resolved(to);
  if (value.bits !== 0n && (inner?.kind === 'int' ? inner.size === 1 : to?.kind === 'int' && to.size === 1)) {
    const text = memory.string(addrFromBigInt(value.bits), MOST_CHARS);
    if (text !== undefined) return `${hex} ${quoted(text)}`;
  }
  const follows = names.follow(value.bits);
  const shown = `(${typeName(value.type)}) ${hex}`;
  return follows === undefined ? shown : `${shown} <${follows}>`;
}

function printLarge(value: Value, memory: ValueMemory): string {
  const { type } = value;
  const size = Math.min(sizeOf(type), MOST_BYTES);
  const bytes = value.bytes ?? (value.address === undefined ? undefined : memory.read(value.address, size));
  if (bytes === undefined) return '<cannot be read>';
  if (type.kind !== 'btf') return hexBytes(bytes);
  try {
    return printPlain(decodeValue(type.btf, type.id, bytes));
  } catch {
    return hexBytes(bytes.subarray(0, 64));
  }
}

/** `{pid = 42, comm = "cat"}` */
export function printPlain(value: BtfValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return hexBytes(value);
  if (Array.isArray(value)) return `{${value.map(printPlain).join(', ')}}`;
  if (typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, of]) => `${name} = ${printPlain(of)}`)
      .join(', ')}}`;
  return String(value);
}

const quoted = (bytes: Uint8Array): string => {
  const end = bytes.indexOf(0);
  return JSON.stringify(decodeUtf8(end < 0 ? bytes : bytes.subarray(0, end)));
};
const quotedChar = (bits: bigint): string => {
  const code = Number(BigInt.asUintN(8, bits));
  return code >= 32 && code < 127 ? `'${String.fromCharCode(code)}'` : `'\\${code.toString(8).padStart(3, '0')}'`;
};

export type { Type };
