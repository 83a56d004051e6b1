/** Expressions to values, with C's rules of types as far as looking at things needs them. */

import { type Btf, findMember } from '../../btf/index.ts';
import { nearIt } from '../../errors/near.ts';
import { type Addr, addrFromBigInt } from '../../machine/addr.ts';
import { encodeUtf8 } from '../../platform/index.ts';
import { DebugError, NoValue } from '../error.ts';
import type { ValueMemory } from './memory.ts';
import { type Expr, parseExpr, type TypeName } from './parse.ts';
import {
  isArray,
  isComposite,
  isPointer,
  isSigned,
  resolved,
  S64,
  sizeOf,
  type Type,
  target,
  typeName,
  U64,
  type Value,
} from './value.ts';

/** What names mean. */
export interface Scope {
  readonly memory: ValueMemory;
  /** BTF in which types are looked up, the object's own first */
  readonly btfs: readonly Btf[];
  name(name: string): Value | undefined;
  /** element of a map, where `of` names one */
  element(map: string, key: Value): Value | undefined;
  isMap(name: string): boolean;
  /** names that there are, for messages */
  near(name: string): readonly string[];
}

const ALIASES: Readonly<Record<string, readonly [size: number, signed: boolean]>> = {
  u8: [1, false],
  u16: [2, false],
  u32: [4, false],
  u64: [8, false],
  s8: [1, true],
  s16: [2, true],
  s32: [4, true],
  s64: [8, true],
  char: [1, true],
  'unsigned char': [1, false],
  short: [2, true],
  'unsigned short': [2, false],
  int: [4, true],
  unsigned: [4, false],
  'unsigned int': [4, false],
  long: [8, true],
  'unsigned long': [8, false],
  'long long': [8, true],
  'unsigned long long': [8, false],
  bool: [1, false],
  size_t: [8, false],
  pid_t: [4, true],
};

export const evaluate = (text: string, scope: Scope): Value => new Evaluation(scope).value(parseExpr(text));
/** A member of a structure, or of what a pointer points to. @throws DebugError */
export const memberOf = (scope: Scope, of: Value, name: string): Value => new Evaluation(scope).member(of, name, true);
/** An element of an array, or of what a pointer points to. @throws DebugError */
export const elementOf = (scope: Scope, of: Value, index: number): Value => new Evaluation(scope).element(of, index);
/** A value of a type that lies at an address. @throws DebugError where it cannot be read */
export const valueAt = (scope: Scope, type: Type, at: Addr): Value => new Evaluation(scope).load(type, at);
/** A type by its name. @throws DebugError where neither the object nor the kernel has one */
export const typeNamed = (scope: Scope, name: TypeName): Type => new Evaluation(scope).type(name);
/** What a pointer points to. @throws DebugError */
export const pointee = (scope: Scope, of: Value): Value => new Evaluation(scope).pointee(of);

class Evaluation {
  readonly #scope: Scope;
  constructor(scope: Scope) {
    this.#scope = scope;
  }

  value(e: Expr): Value {
    switch (e.kind) {
      case 'number':
        return int(e.value);
      case 'string':
        return { type: { kind: 'string' }, bits: 0n, bytes: encodeUtf8(`${e.value}\0`) };
      case 'name':
        return this.#name(e.name);
      case 'unary':
        return this.#unary(e.op, e.of);
      case 'binary':
        return this.#binary(e);
      case 'member':
        return this.member(this.value(e.of), e.name, e.arrow);
      case 'index':
        return this.#index(e);
      case 'cast':
        return this.#cast(this.type(e.type), this.value(e.of));
      case 'sizeof':
        return int(BigInt(sizeOf(this.type(e.type))), U64);
      case 'choice':
        return this.value(truth(this.value(e.condition)) ? e.yes : e.no);
    }
  }

  #name(name: string): Value {
    const value = this.#scope.name(name);
    if (value !== undefined) return value;
    const near = this.#scope.near(name);
    throw new DebugError(`nothing here is called ${name}${nearIt(near)}`);
  }

  /** @throws DebugError where no BTF has it */
  type({ name, kind, stars }: TypeName): Type {
    let type = this.#named(name, kind);
    for (let n = 0; n < stars; n++) type = { kind: 'pointer', to: type };
    return type;
  }
  #named(name: string, kind: TypeName['kind']): Type {
    if (kind === undefined) {
      const alias = ALIASES[name.replace(/^__/, '')];
      if (alias) return { kind: 'int', size: alias[0], signed: alias[1] };
      if (name === 'void') return { kind: 'void' };
    }
    const kinds = kind === undefined ? (['typedef', 'struct', 'union', 'enum', 'int'] as const) : ([kind] as const);
    for (const btf of this.#scope.btfs) {
      for (const k of kinds) {
        const id = btf.findByName(name, k);
        if (id > 0) return { kind: 'btf', btf, id };
      }
    }
    throw new DebugError(
      `no type ${kind === undefined ? '' : `${kind} `}${name}: neither the object nor the kernel has one`,
    );
  }

  #unary(op: '-' | '!' | '~' | '*' | '&', of: Expr): Value {
    const value = this.value(of);
    switch (op) {
      case '-':
        return int(-number(value));
      case '~':
        return int(~number(value));
      case '!':
        return int(truth(value) ? 0n : 1n);
      case '&':
        if (value.address === undefined)
          throw new DebugError('what & is asked for has no address: it lies in no memory');
        return { type: { kind: 'pointer', to: value.type }, bits: BigInt(value.address) };
      case '*':
        return this.pointee(value);
    }
  }
  pointee(value: Value): Value {
    return this.load(this.#pointee(value), addrFromBigInt(value.bits));
  }
  #pointee(value: Value): Type {
    const to = target(value.type);
    if (to === undefined) {
      if (value.type.kind === 'int' && value.type.size === 8) return U64;
      throw new DebugError(`${typeName(value.type)} is no pointer`);
    }
    if (to.kind === 'void' || (to.kind === 'btf' && to.id === 0))
      throw new DebugError('a void pointer says not what it points to: cast it');
    return to;
  }

  /** A value of a type at an address. */
  load(type: Type, address: Addr): Value {
    if (isComposite(type) || isArray(type)) return { type, bits: isArray(type) ? BigInt(address) : 0n, address };
    const bits = this.#scope.memory.integer(address, Math.min(8, sizeOf(type)), isSigned(type));
    if (bits === undefined)
      throw new NoValue(`cannot read memory at 0x${BigInt.asUintN(64, BigInt(address)).toString(16)}`);
    return { type, bits, address };
  }

  member(of: Value, name: string, arrow: boolean): Value {
    // as gdb: either way of writing it does
    const isPtr = isPointer(of.type);
    const type = isPtr ? this.#pointee(of) : of.type;
    const at = isPtr ? addrFromBigInt(of.bits) : of.address;
    const composite = resolved(type);
    if (composite === undefined || (composite.kind !== 'struct' && composite.kind !== 'union') || type.kind !== 'btf')
      throw new DebugError(`${typeName(of.type)} has no members`);
    const full = this.#complete(type.btf, composite.name, composite.members.length === 0) ?? {
      btf: type.btf,
      composite,
    };
    const found = findMember(full.btf, full.composite, name);
    if (found === undefined) {
      const some = full.composite.members.map((m) => m.name).filter((n) => n !== '');
      throw new DebugError(
        `${composite.kind} ${composite.name} has no member ${name}; it has ${some.slice(0, 8).join(', ')} …`,
      );
    }
    const memberType: Type = { kind: 'btf', btf: full.btf, id: found.member.type };
    if (at === undefined) {
      if (of.bytes === undefined) throw new DebugError(`${arrow ? '->' : '.'}${name}: the value lies nowhere`);
      return this.#inBytes(memberType, of.bytes, found.bitOffset);
    }
    if (found.member.bitfieldSize > 0)
      return this.#bitfield(memberType, at, found.bitOffset, found.member.bitfieldSize);
    return this.load(memberType, at + (found.bitOffset >>> 3));
  }
  /** A structure that one BTF only declares, from another that has it whole. */
  #complete(_btf: Btf, name: string, isEmpty: boolean) {
    if (!isEmpty) return undefined;
    for (const btf of this.#scope.btfs) {
      const id = btf.findByName(name, 'struct');
      const t = id > 0 ? btf.resolve(id) : undefined;
      if (t?.kind === 'struct' && t.members.length > 0) return { btf, composite: t };
    }
    return undefined;
  }
  #bitfield(type: Type, at: Addr, offset: number, bits: number): Value {
    const first = offset >>> 3;
    const bytes = ((offset & 7) + bits + 7) >>> 3;
    const raw = this.#scope.memory.integer(at + first, bytes, false);
    if (raw === undefined) throw new DebugError('cannot read the memory that it lies in');
    const value = (raw >> BigInt(offset & 7)) & ((1n << BigInt(bits)) - 1n);
    return { type, bits: isSigned(type) ? BigInt.asIntN(bits, value) : value, address: at, bitfield: { offset, bits } };
  }
  #inBytes(type: Type, bytes: Uint8Array, bitOffset: number): Value {
    const from = bitOffset >>> 3;
    const part = bytes.subarray(from, from + sizeOf(type));
    if (isComposite(type) || isArray(type)) return { type, bits: 0n, bytes: part };
    let bits = 0n;
    for (let n = part.length - 1; n >= 0; n--) bits = (bits << 8n) | BigInt(part[n] as number);
    return { type, bits: isSigned(type) ? BigInt.asIntN(8 * part.length, bits) : bits };
  }

  #index(e: Extract<Expr, { kind: 'index' }>): Value {
    if (e.of.kind === 'name' && this.#scope.isMap(e.of.name)) {
      const key = this.value(e.index);
      const value = this.#scope.element(e.of.name, key);
      if (value === undefined) throw new NoValue(`${e.of.name} has no such key`);
      return value;
    }
    return this.element(this.value(e.of), Number(number(this.value(e.index))));
  }
  element(of: Value, index: number): Value {
    const to = this.#pointee(of);
    if (isArray(of.type) && of.address === undefined && of.bytes !== undefined)
      return this.#inBytes(to, of.bytes, 8 * index * sizeOf(to));
    const base = isArray(of.type) ? (of.address as Addr) : addrFromBigInt(of.bits);
    return this.load(to, base + index * sizeOf(to));
  }

  #cast(type: Type, value: Value): Value {
    if (isComposite(type)) throw new DebugError(`nothing is cast to ${typeName(type)}: cast to a pointer to it`);
    const size = Math.min(8, sizeOf(type));
    const bits = isSigned(type) ? BigInt.asIntN(8 * size, value.bits) : BigInt.asUintN(8 * size, value.bits);
    return { type, bits };
  }

  #binary({ op, left, right }: Extract<Expr, { kind: 'binary' }>): Value {
    const a = this.value(left);
    if (op === '&&') return int(truth(a) && truth(this.value(right)) ? 1n : 0n);
    if (op === '||') return int(truth(a) || truth(this.value(right)) ? 1n : 0n);
    const b = this.value(right);
    if ((op === '==' || op === '!=') && (isText(a) || isText(b)))
      return int((this.#text(a) === this.#text(b)) === (op === '==') ? 1n : 0n);
    if ((op === '+' || op === '-') && (isPointer(a.type) || isArray(a.type)) && !isPointer(b.type)) {
      // of void by bytes, as GNU C does
      const to = target(a.type) ?? this.#pointee(a);
      const step = BigInt(sizeOf(to)) * number(b);
      return { type: { kind: 'pointer', to }, bits: a.bits + (op === '+' ? step : -step) };
    }
    return int(arithmetic(op, number(a), number(b)));
  }
  /** A string or `char[]` as text. */
  #text(value: Value): string {
    const bytes =
      value.bytes ??
      (isArray(value.type) && value.address !== undefined
        ? this.#scope.memory.read(value.address, sizeOf(value.type))
        : this.#scope.memory.string(addrFromBigInt(value.bits), 256));
    if (bytes === undefined) return '';
    const end = bytes.indexOf(0);
    return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
  }
}

const int = (bits: bigint, type: Type = S64): Value => ({ type, bits: BigInt.asIntN(64, bits) });
const isText = (v: Value): boolean => v.type.kind === 'string';

/** @throws DebugError for what is no number */
function number(value: Value): bigint {
  if (isComposite(value.type) || value.type.kind === 'string')
    throw new DebugError(`${typeName(value.type)} is no number`);
  // what is compared is a register or memory of 64 bits, or smaller ones with their sign
  return value.type.kind === 'int' && value.type.size === 8 ? BigInt.asIntN(64, value.bits) : value.bits;
}
export const truth = (value: Value): boolean =>
  value.type.kind === 'string' || isComposite(value.type) || value.bits !== 0n;

function arithmetic(op: string, a: bigint, b: bigint): bigint {
  const bool = (is: boolean): bigint => (is ? 1n : 0n);
  switch (op) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
    case '%':
      if (b === 0n) throw new DebugError('division by zero');
      return op === '/' ? a / b : a % b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '<<':
      return a << (b & 63n);
    case '>>':
      return a >> (b & 63n);
    case '==':
      return bool(BigInt.asUintN(64, a) === BigInt.asUintN(64, b));
    case '!=':
      return bool(BigInt.asUintN(64, a) !== BigInt.asUintN(64, b));
    case '<':
      return bool(a < b);
    case '<=':
      return bool(a <= b);
    case '>':
      return bool(a > b);
    default:
      return bool(a >= b);
  }
}
