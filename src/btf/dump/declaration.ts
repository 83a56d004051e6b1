/**
 * C declarations of BTF types, in the notation of `bpftool btf dump ... format c`.
 *
 * A C declarator reads from the inside out, BTF's chain of types from the outside in: the chain is
 * collected on a stack first, and written from its innermost type.
 */
import { type Btf, POINTER_SIZE } from '../btf.ts';
import { BtfError } from '../error.ts';
import { type BtfComposite, type BtfEnum, isComposite, isEnum, isModifier } from '../types.ts';

const MAX_DEPTH = 500;
/** Members and declarations that one printer writes: anonymous structures inside each other multiply. */
const MAX_WORK = 4_000_000;

/** Names as they are printed: C has one name space where BTF may have a name twice. */
export interface Names {
  type(id: number): string;
  /** typedefs and enumerators */
  ident(id: number): string;
  enumerator(name: string): string;
}

/** Names as BTF has them. */
export const plainNames = (btf: Btf): Names => ({
  type: (id) => btf.typeById(id).name,
  ident: (id) => btf.typeById(id).name,
  enumerator: (name) => name,
});

const PADS = [
  { name: 'long', bits: POINTER_SIZE * 8 },
  { name: 'int', bits: 32 },
  { name: 'short', bits: 16 },
  { name: 'char', bits: 8 },
] as const;
const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;
/** bpftool indents no further than this. */
const MOST_TABS = 13;
const tabs = (level: number): string => '\t'.repeat(Math.min(level, MOST_TABS));

/** Members that make the compiler leave the hole that BTF shows between two bit offsets. */
function padding(from: number, to: number, align: number, inBitfield: boolean, level: number): string {
  if (from >= to) return '';
  let out = '';
  let at = from;
  const pad = PADS.find((p) => roundUp(at, p.bits) <= to) ?? (PADS[3] as (typeof PADS)[3]);
  const next = roundUp(at, pad.bits);
  if (next > at && next <= to) {
    // An explicit end of the unit, where the next field would not begin there by itself.
    const needed =
      inBitfield || (next === to && roundUp(at, align * 8) !== next) || (next !== to && to - next <= next - at);
    if (needed) out += `\n${tabs(level)}${pad.name}: ${inBitfield ? next - at : 0};`;
    at = next;
  }
  while (at !== to) {
    const bits = Math.min(to - at, pad.bits);
    const smallest = bits === pad.bits ? pad : ([...PADS].reverse().find((p) => p.bits >= bits) ?? pad);
    out += `\n${tabs(level)}${smallest.name}: ${bits};`;
    at += bits;
    // Holes of megabytes come from hand-made BTF only.
    if (out.length > 1 << 20) throw new BtfError('a structure has a hole too large to print');
  }
  return out;
}

export interface DeclarationOptions {
  /** one-byte enumerations say that they are: C would take four bytes. libbpf writes so from 1.2 on; bpftool 7.1 does not */
  readonly byteEnums?: boolean;
  /** what may be written before it is called too much */
  readonly work?: number;
}

export class Declarations {
  readonly #btf: Btf;
  readonly #byteEnums: boolean;
  readonly #names: Names;
  readonly #align = new Map<number, number>();
  #work: number;

  constructor(
    btf: Btf,
    names: Names = plainNames(btf),
    { byteEnums = false, work = MAX_WORK }: DeclarationOptions = {},
  ) {
    this.#btf = btf;
    this.#byteEnums = byteEnums;
    this.#names = names;
    this.#work = work;
  }

  #alignOf(id: number): number {
    const known = this.#align.get(id);
    if (known !== undefined) return known;
    let align = 0;
    try {
      align = this.#btf.alignOf(id);
    } catch (error) {
      if (!(error instanceof BtfError)) throw error;
    }
    this.#align.set(id, align);
    return align;
  }

  #sizeOf(id: number): number {
    try {
      return this.#btf.sizeOf(id);
    } catch (error) {
      if (error instanceof BtfError) return 0;
      throw error;
    }
  }

  #isPacked(type: BtfComposite): boolean {
    let most = 1;
    for (const member of type.members) {
      const align = this.#alignOf(member.type);
      if (align > 0 && member.bitfieldSize === 0 && member.bitOffset % (8 * align) !== 0) return true;
      most = Math.max(most, align);
    }
    return type.size % most !== 0;
  }

  /** `struct name`, without what is in it. */
  reference(id: number): string {
    const type = this.#btf.typeById(id);
    const word = type.kind === 'enum64' ? 'enum' : type.kind === 'fwd' ? type.of : type.kind;
    const name = this.#names.type(id);
    return type.name === '' && type.kind !== 'fwd' ? `${word}${name}` : `${word} ${name}`;
  }

  /** `struct name { ... }` */
  composite(type: BtfComposite, level: number, depth = 0): string {
    const isStruct = type.kind === 'struct';
    const packed = isStruct && this.#isPacked(type);
    const out = [`${this.reference(type.id)} {`];
    let at = 0;
    let bitfield = false;
    for (const member of type.members) {
      const align = packed ? 1 : this.#alignOf(member.type);
      out.push(padding(at, member.bitOffset, align, bitfield && member.bitfieldSize !== 0, level + 1));
      out.push(`\n${tabs(level + 1)}`, this.declare(member.type, member.name, level + 1, depth + 1));
      if (member.bitfieldSize > 0) {
        out.push(`: ${member.bitfieldSize}`);
        at = member.bitOffset + member.bitfieldSize;
      } else at = member.bitOffset + this.#sizeOf(member.type) * 8;
      bitfield = member.bitfieldSize > 0;
      out.push(';');
    }
    if (isStruct) out.push(padding(at, type.size * 8, this.#alignOf(type.id), false, level + 1));
    out.push(type.members.length > 0 || type.size > 0 ? `\n${tabs(level)}}` : '}');
    if (packed) out.push(' __attribute__((packed))');
    return out.join('');
  }

  /** `enum name { ... }` */
  enumeration(type: BtfEnum, level: number): string {
    let out = this.reference(type.id);
    const suffix = type.kind === 'enum' ? '' : type.signed ? 'LL' : 'ULL';
    if (type.values.length > 0) {
      out += ' {';
      for (const { name, value } of type.values)
        out += `\n${tabs(level + 1)}${this.#names.enumerator(name)} = ${value}${suffix},`;
      out += `\n${tabs(level)}}`;
    }
    if (type.size === 1 && this.#byteEnums) return `${out} __attribute__((mode(byte)))`;
    // An enumeration is 64 bits wide by itself only where a value needs them.
    if (
      type.size === 8 &&
      (type.kind === 'enum' || type.values.every((v) => BigInt.asUintN(64, v.value) >> 32n === 0n))
    )
      return `${out} __attribute__((mode(word)))`;
    return out;
  }

  /** A declaration of `name` with type `id`; of the type alone where the name is ''. */
  declare(id: number, name: string, level = 0, depth = 0): string {
    if (depth > MAX_DEPTH || this.#work-- <= 0) {
      throw new BtfError('types nest too deeply to print', { typeId: id });
    }
    const chain: number[] = [];
    for (let at = id; ; ) {
      chain.push(at);
      if (chain.length > MAX_DEPTH) throw new BtfError('types nest too deeply to print', { typeId: id });
      const type = this.#btf.typeById(at);
      if (at === 0 || !(type.kind === 'ptr' || type.kind === 'array' || type.kind === 'func_proto' || isModifier(type)))
        break;
      at = type.type;
    }
    return this.#chain(chain, name, level, depth);
  }

  /** Qualifiers that stand before the type they qualify. */
  #qualifiers(chain: number[]): string {
    let out = '';
    for (let last = chain.at(-1); last !== undefined; last = chain.at(-1)) {
      const type = this.#btf.typeById(last);
      if (type.kind !== 'const' && type.kind !== 'volatile' && type.kind !== 'restrict') break;
      out += `${type.kind} `;
      chain.pop();
    }
    return out;
  }

  #dropModifiers(chain: number[]): void {
    for (let last = chain.at(-1); last !== undefined && isModifier(this.#btf.typeById(last)); last = chain.at(-1))
      chain.pop();
  }

  #chain(chain: number[], name: string, level: number, depth: number): string {
    let out = '';
    let afterPointer = true;
    const withName = (): string => (name !== '' && !afterPointer ? ` ${name}` : name);
    for (let id = chain.pop(); id !== undefined; id = chain.pop()) {
      const type = this.#btf.typeById(id);
      switch (type.kind) {
        case 'ptr':
          out += afterPointer ? '*' : ' *';
          break;
        case 'const':
        case 'volatile':
        case 'restrict':
          out += ` ${type.kind}`;
          break;
        case 'type_tag':
          out += `${this.#qualifiers(chain)} __attribute__((btf_type_tag("${type.name}")))`;
          break;
        case 'array': {
          this.#dropModifiers(chain);
          if (chain.length === 0) return `${out}${withName()}[${type.length}]`;
          const nested = this.#btf.typeById(chain.at(-1) as number).kind === 'array';
          const space = name !== '' && !afterPointer ? ' ' : '';
          const inner = this.#chain(chain, name, level, depth);
          return `${out}${space}${nested ? inner : `(${inner})`}[${type.length}]`;
        }
        case 'func_proto': {
          this.#dropModifiers(chain);
          out += chain.length > 0 ? ` (${this.#chain(chain, name, level, depth)})` : withName();
          const { params } = type;
          if (params.length === 0 || (params.length === 1 && params[0]?.type === 0)) return `${out}(void)`;
          const list = params.map((p, n) =>
            n === params.length - 1 && p.type === 0 ? '...' : this.declare(p.type, p.name, level, depth + 1),
          );
          return `${out}(${list.join(', ')})`;
        }
        default:
          out += this.#qualifiers(chain) + this.#base(id, level, depth);
      }
      afterPointer = type.kind === 'ptr';
    }
    return out + withName();
  }

  #base(id: number, level: number, depth: number): string {
    const type = this.#btf.typeById(id);
    if (type.kind === 'void') return 'void';
    if (type.kind === 'typedef') return this.#names.ident(id);
    if (type.name === '' && isComposite(type)) return this.composite(type, level, depth);
    if (type.name === '' && isEnum(type)) return this.enumeration(type, level);
    return isComposite(type) || isEnum(type) || type.kind === 'fwd' ? this.reference(id) : type.name;
  }
}
