/** DWARF's types as BTF, as `pahole -J` makes it: so that one way of reading and showing values serves both. */
import { Btf, BtfBuilder, type BtfMember, type NewBtfType } from '../btf/index.ts';
import { AT, ATE, TAG } from './constants.ts';
import type { Die, Unit } from './die.ts';

const text = (die: Die, at: number): string => {
  const value = die.attributes.get(at);
  return value?.kind === 'string' ? value.text : '';
};
const constant = (die: Die, at: number): number | undefined => {
  const value = die.attributes.get(at);
  return value?.kind === 'constant' ? Number(value.value) : undefined;
};
export const reference = (die: Die, at: number): number | undefined => {
  const value = die.attributes.get(at);
  return value?.kind === 'reference' ? value.to : undefined;
};

/** BTF_INT_* encodings */
const INT_SIGNED = 1;
const INT_CHAR = 2;
const INT_BOOL = 4;

export class DwarfTypes {
  readonly btf: Btf;
  readonly #ids = new Map<number, number>();

  /** All types of the units. */
  constructor(units: readonly Unit[]) {
    const dies: Die[] = [];
    const visit = (die: Die): void => {
      if (IS_TYPE.has(die.tag)) dies.push(die);
      for (const child of die.children) visit(child);
    };
    for (const unit of units) visit(unit.root);
    const builder = new BtfBuilder();
    // references may point ahead, so every type has its number first
    for (const [n, die] of dies.entries()) this.#ids.set(die.offset, builder.nextId + n);
    const index = builder.nextId + dies.length;
    // behind the index are the inner dimensions of arrays
    const inner: NewBtfType[] = [];
    const nested = (type: number, length: number): number =>
      index + inner.push({ kind: 'array', name: '', type, indexType: index, length });
    for (const die of dies) builder.add(this.#type(die, index, nested));
    builder.add({
      kind: 'int',
      name: '__ARRAY_SIZE_TYPE__',
      size: 4,
      bitOffset: 0,
      bits: 32,
      signed: false,
      char: false,
      bool: false,
      encoding: 0,
    });
    for (const array of inner) builder.add(array);
    this.btf = Btf.parse(builder.bytes());
  }

  /** Id of the type at an offset in .debug_info; 0, void, where there is none. */
  id(offset: number | undefined): number {
    return offset === undefined ? 0 : (this.#ids.get(offset) ?? 0);
  }

  #type(die: Die, indexType: number, nested: (type: number, length: number) => number): NewBtfType {
    const name = text(die, AT.name);
    const type = this.id(reference(die, AT.type));
    const size = constant(die, AT.byte_size) ?? 0;
    switch (die.tag) {
      case TAG.base_type: {
        const ate = constant(die, AT.encoding);
        if (ate === ATE.float) return { kind: 'float', name, size };
        const signed = ate === ATE.signed || ate === ATE.signed_char;
        // text is of char; an unsigned char is a byte, as BTF's users see it
        const char = name === 'char';
        const bool = ate === ATE.boolean;
        const encoding = (signed ? INT_SIGNED : 0) | (char ? INT_CHAR : 0) | (bool ? INT_BOOL : 0);
        return { kind: 'int', name, size, bitOffset: 0, bits: 8 * size, signed, char, bool, encoding };
      }
      case TAG.array_type: {
        const [length = 0, ...further] = lengthsOf(die);
        return { kind: 'array', name: '', type: further.reduceRight(nested, type), indexType, length };
      }
      case TAG.structure_type:
      case TAG.class_type:
      case TAG.union_type:
        return {
          kind: die.tag === TAG.union_type ? 'union' : 'struct',
          name,
          size,
          members: die.children.filter((c) => c.tag === TAG.member).map((c) => this.#member(c)),
          kindFlag: false,
        };
      case TAG.enumeration_type: {
        const values = die.children
          .filter((c) => c.tag === TAG.enumerator)
          .map((c) => {
            const value = c.attributes.get(AT.const_value);
            return { name: text(c, AT.name), value: value?.kind === 'constant' ? value.value : 0n };
          });
        return { kind: size > 4 ? 'enum64' : 'enum', name, size, signed: values.some((v) => v.value < 0n), values };
      }
      case TAG.typedef:
        return { kind: 'typedef', name, type };
      case TAG.const_type:
        return { kind: 'const', name: '', type };
      case TAG.volatile_type:
        return { kind: 'volatile', name: '', type };
      case TAG.restrict_type:
        return { kind: 'restrict', name: '', type };
      case TAG.subroutine_type:
        return { kind: 'func_proto', name: '', type, params: [] };
      case TAG.pointer_type:
        return { kind: 'ptr', name: '', type };
      default:
        // an _Atomic is what it is of
        return { kind: 'const', name: '', type };
    }
  }

  #member(die: Die): BtfMember {
    const bits = constant(die, AT.bit_size) ?? 0;
    const bitOffset = constant(die, AT.data_bit_offset) ?? 8 * (constant(die, AT.data_member_location) ?? 0);
    return { name: text(die, AT.name), type: this.id(reference(die, AT.type)), bitOffset, bitfieldSize: bits };
  }
}

/** Of each dimension, the outermost first; 0 where the end is open. */
const lengthsOf = (die: Die): number[] =>
  die.children
    .filter((c) => c.tag === TAG.subrange_type)
    .map((dimension) => {
      const upper = constant(dimension, AT.upper_bound);
      return constant(dimension, AT.count) ?? (upper === undefined ? 0 : upper + 1);
    });

const IS_TYPE: ReadonlySet<number> = new Set([
  TAG.base_type,
  TAG.array_type,
  TAG.structure_type,
  TAG.class_type,
  TAG.union_type,
  TAG.enumeration_type,
  TAG.typedef,
  TAG.const_type,
  TAG.volatile_type,
  TAG.restrict_type,
  TAG.subroutine_type,
  TAG.pointer_type,
  TAG.atomic_type,
]);
