/** Objects of the kernel by their type in its BTF: `kernel.object('file', { f_inode: { i_ino: 5 } })`. */
import type { Kernel } from '../../../kernel-sim/index.ts';
import {
  type Btf,
  type BtfComposite,
  BtfError,
  type BtfType,
  type BtfValue,
  decodeValue,
  encodeValue,
} from '../../btf/index.ts';
import { ArgumentError, checkArgument } from '../../errors/argument.ts';
import * as is from '../../errors/checks.ts';
import { nearestText } from '../../errors/near.ts';
import { type Addr, addrFromBigInt, addrToBigInt } from '../../machine/addr.ts';
import { encodeUtf8 } from '../../platform/index.ts';

/** What has an address in the kernel: an object, a task. */
export interface HasAddress {
  readonly address: bigint;
}
/**
 * A value for a member or an argument: numbers, names of enumerators, strings for `char[]`, arrays, nested structures. For
 * a pointer: what has an address, an address, null, or what it is to point to — a structure's members, a string, bytes.
 */
export type ObjectValue =
  | number
  | bigint
  | boolean
  | string
  | null
  | Uint8Array
  | HasAddress
  | readonly ObjectValue[]
  | ObjectMembers;
export interface ObjectMembers {
  readonly [member: string]: ObjectValue;
}

const POINTER_BYTES = 8;
const hasAddress = (value: unknown): value is HasAddress =>
  typeof value === 'object' && value !== null && typeof (value as Partial<HasAddress>).address === 'bigint';

/** A structure in the kernel's memory. */
export class KernelObject implements HasAddress {
  /** its name in C, without `struct` */
  readonly type: string;
  readonly address: bigint;
  /** bytes */
  readonly size: number;
  readonly #made: KernelObjects;
  readonly #id: number;

  constructor(made: KernelObjects, type: string, id: number, at: Addr, size: number) {
    this.#made = made;
    this.#id = id;
    this.type = type;
    this.address = addrToBigInt(at);
    this.size = size;
  }
  /** A member, by its path: `object.get('f_path.dentry')`. @throws ArgumentError: no such member, with near ones */
  get(path: string): BtfValue {
    return this.#made.read(this.#id, addrFromBigInt(this.address), path);
  }
  /** Writes members; the others stay. @throws ArgumentError as {@link Kernel.object} */
  set(members: ObjectMembers): this {
    this.#made.fill(this.#id, addrFromBigInt(this.address), members, this.type);
    return this;
  }
}

/** What makes objects in one kernel. */
export class KernelObjects {
  readonly #kernel: Kernel;
  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }
  get #btf(): Btf {
    return this.#kernel.btf;
  }

  /** @throws ArgumentError: no such type or member, with near ones; a value that its type cannot have */
  make(type: string, members: ObjectMembers = {}): KernelObject {
    checkArgument('type', type, is.text);
    const name = type.replace(/^(struct|union) /, '');
    const id = this.#btf.findByName(name, 'struct') || this.#btf.findByName(name, 'union');
    if (id === 0) {
      const names = [...this.#btf.types()].flatMap((t) => (t.kind === 'struct' || t.kind === 'union' ? [t.name] : []));
      throw new ArgumentError('type', `the kernel has no struct ${name}${nearestText(name, names)}`);
    }
    return new KernelObject(this, name, id, this.#allocate(id, members, name), this.#btf.sizeOf(id));
  }

  /** The address of a C string. */
  text(value: string): bigint {
    return this.#pointer(0, value, 'the string');
  }

  /** A register for a value of a type: a number's bits, an object's address. */
  register(typeId: number, value: ObjectValue, what: string): bigint {
    const type = this.#btf.resolve(typeId);
    if (type.kind === 'ptr') return BigInt.asUintN(64, this.#pointer(type.type, value, what));
    const bytes = new Uint8Array(8);
    const size = this.#btf.sizeOf(type.id);
    if (size > bytes.length) throw new ArgumentError(what, 'structures are passed in no register');
    this.#encode(type.id, value, bytes, what);
    const raw = new DataView(bytes.buffer).getBigUint64(0, true);
    // integers are passed as wide as they are; callees look no further, but an int's sign goes on
    return type.kind === 'int' && type.signed ? BigInt.asUintN(64, BigInt.asIntN(8 * size, raw)) : raw;
  }

  /** A register as a value of a type: pointers and wide integers as bigint. */
  value(typeId: number, register: bigint): BtfValue | undefined {
    if (typeId === 0) return undefined;
    const type = this.#btf.resolve(typeId);
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, register), true);
    return decodeValue(this.#btf, type.id, bytes);
  }

  read(id: number, at: Addr, path: string): BtfValue {
    const { offset, type, bitfieldSize, bitOffset } = this.#member(id, path, 'path');
    const { memory } = this.#kernel;
    if (bitfieldSize > 0) {
      const first = bitOffset - 8 * offset;
      const bytes = memory.readBytes(at + offset, Math.ceil((first + bitfieldSize) / 8));
      let raw = 0n;
      for (const [n, byte] of bytes.entries()) raw |= BigInt(byte) << BigInt(8 * n);
      return Number((raw >> BigInt(first)) & ((1n << BigInt(bitfieldSize)) - 1n));
    }
    return decodeValue(this.#btf, type, memory.readBytes(at + offset, this.#btf.sizeOf(type)));
  }

  fill(id: number, at: Addr, members: ObjectMembers, what: string): void {
    const { memory } = this.#kernel;
    for (const [name, value] of Object.entries(members)) {
      const where = `${what}.${name}`;
      const member = this.#member(id, name, where);
      if (member.bitfieldSize === 0) this.#put(member.type, at + member.offset, value, where);
      else {
        // encodeValue knows the bits of the member in its structure
        const bytes = memory.readBytes(at, this.#btf.sizeOf(id)).slice();
        this.#encode(id, { [name]: value }, bytes, what);
        memory.writeBytes(at, bytes);
      }
    }
  }

  #put(typeId: number, at: Addr, value: ObjectValue, what: string): void {
    const { memory } = this.#kernel;
    const type = this.#btf.resolve(typeId);
    if (type.kind === 'ptr') memory.writeU64(at, BigInt.asUintN(64, this.#pointer(type.type, value, what)));
    else if (isComposite(type) && isMembers(value)) this.fill(type.id, at, value, what);
    else if (type.kind === 'array' && Array.isArray(value)) {
      if (value.length > type.length)
        throw new ArgumentError(what, `it has ${type.length} elements, not ${value.length}`);
      const stride = this.#btf.sizeOf(type.type);
      for (const [n, element] of (value as readonly ObjectValue[]).entries())
        this.#put(type.type, at + n * stride, element, `${what}[${n}]`);
    } else {
      const bytes = memory.readBytes(at, this.#btf.sizeOf(type.id)).slice();
      this.#encode(type.id, value, bytes, what);
      memory.writeBytes(at, bytes);
    }
  }

  /** What a pointer to a type holds: an address, or that of something made. */
  #pointer(to: number, value: ObjectValue, what: string): bigint {
    if (value === null) return 0n;
    if (typeof value === 'bigint') return value;
    if (typeof value === 'number') return BigInt(value);
    if (hasAddress(value)) return value.address;
    const { memory, slab } = this.#kernel;
    if (typeof value === 'string' || value instanceof Uint8Array) {
      const bytes = typeof value === 'string' ? encodeUtf8(`${value}\0`) : value;
      const at = slab.kmalloc(Math.max(1, bytes.length));
      memory.writeBytes(at, bytes);
      return addrToBigInt(at);
    }
    const type = to === 0 ? undefined : this.#btf.resolve(to);
    if (type && isComposite(type) && isMembers(value)) return addrToBigInt(this.#allocate(type.id, value, what));
    if (type && Array.isArray(value)) {
      const stride = this.#btf.sizeOf(type.id);
      const at = slab.kmalloc(Math.max(1, stride * value.length));
      for (const [n, element] of (value as readonly ObjectValue[]).entries())
        this.#put(type.id, at + n * stride, element, `${what}[${n}]`);
      return addrToBigInt(at);
    }
    throw new ArgumentError(what, `${is.shown(value)} is nothing that the pointer can point to`);
  }

  #allocate(id: number, members: ObjectMembers, what: string): Addr {
    const at = this.#kernel.slab.kmalloc(Math.max(POINTER_BYTES, this.#btf.sizeOf(id)));
    this.fill(id, at, members, what);
    return at;
  }

  #encode(id: number, value: ObjectValue, bytes: Uint8Array, what: string): void {
    try {
      encodeValue(this.#btf, id, value as BtfValue, bytes, 0, what);
    } catch (error) {
      if (error instanceof BtfError) throw new ArgumentError(what, error.message);
      throw error;
    }
  }

  #member(id: number, path: string, what: string) {
    try {
      return this.#btf.offsetOf(id, path);
    } catch (error) {
      if (!(error instanceof BtfError)) throw error;
      const type = this.#btf.resolve(id);
      const known = isComposite(type) ? this.#names(type) : [];
      throw new ArgumentError(
        what,
        `struct ${type.name} has no ${path}${nearestText(path.split('.').at(-1) ?? path, known)}`,
      );
    }
  }
  /** Names of members, those of anonymous ones too. */
  #names(type: BtfComposite): string[] {
    return type.members.flatMap((member) => {
      if (member.name !== '') return [member.name];
      const inner = this.#btf.resolve(member.type);
      return isComposite(inner) ? this.#names(inner) : [];
    });
  }
}

const isComposite = (type: BtfType): type is BtfComposite => type.kind === 'struct' || type.kind === 'union';
const isMembers = (value: ObjectValue): value is ObjectMembers =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof Uint8Array) &&
  !hasAddress(value);
