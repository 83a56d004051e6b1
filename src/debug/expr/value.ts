/** Values of expressions: bits with a type of some BTF, and where they lie. */
import type { Btf, BtfType } from '../../btf/index.ts';
import type { Addr } from '../../machine/addr.ts';

/** A type: of a BTF by id, or an integer of the debugger's own. */
export type Type =
  | { readonly kind: 'btf'; readonly btf: Btf; readonly id: number }
  | { readonly kind: 'int'; readonly size: number; readonly signed: boolean }
  | { readonly kind: 'pointer'; readonly to: Type }
  | { readonly kind: 'void' }
  | { readonly kind: 'string' };

export const U64: Type = { kind: 'int', size: 8, signed: false };
export const S64: Type = { kind: 'int', size: 8, signed: true };
export const U32: Type = { kind: 'int', size: 4, signed: false };

export interface Value {
  readonly type: Type;
  /** integers and pointers, as 64 bits with their sign; of what is larger, 0 */
  readonly bits: bigint;
  /** where it lies in guest memory, if it does */
  readonly address?: Addr;
  /** a bitfield's place from `address` */
  readonly bitfield?: { readonly offset: number; readonly bits: number };
  /** where it lies otherwise: register to be set */
  readonly register?: string;
  /** kind 'string', and values that were copied out: a map's */
  readonly bytes?: Uint8Array;
}

/** The type without typedefs and qualifiers. */
export const resolved = (type: Type): BtfType | undefined =>
  type.kind === 'btf' ? type.btf.resolve(type.id) : undefined;

export function sizeOf(type: Type): number {
  if (type.kind === 'int') return type.size;
  if (type.kind === 'pointer') return 8;
  if (type.kind === 'btf') return type.id === 0 ? 1 : type.btf.sizeOf(type.id);
  return 1;
}
export function isSigned(type: Type): boolean {
  if (type.kind === 'int') return type.signed;
  const t = resolved(type);
  return (t?.kind === 'int' || t?.kind === 'enum' || t?.kind === 'enum64') && t.signed;
}
/** What a pointer or an array is made of. */
export function target(type: Type): Type | undefined {
  if (type.kind === 'pointer') return type.to;
  const t = resolved(type);
  if (t?.kind !== 'ptr' && t?.kind !== 'array') return undefined;
  return type.kind === 'btf' ? { kind: 'btf', btf: type.btf, id: t.type } : undefined;
}
export const isArray = (type: Type): boolean => resolved(type)?.kind === 'array';
export function isPointer(type: Type): boolean {
  return type.kind === 'pointer' || resolved(type)?.kind === 'ptr';
}
export function isComposite(type: Type): boolean {
  const t = resolved(type);
  return t?.kind === 'struct' || t?.kind === 'union';
}

/** As C writes it. */
export function typeName(type: Type): string {
  switch (type.kind) {
    case 'int':
      return `${type.signed ? 's' : 'u'}${type.size * 8}`;
    case 'pointer':
      return `${typeName(type.to)} *`;
    case 'void':
      return 'void';
    case 'string':
      return 'char[]';
    case 'btf': {
      const t = type.btf.typeById(type.id);
      const inner = (id: number): string => typeName({ kind: 'btf', btf: type.btf, id });
      if (t.kind === 'void') return 'void';
      if (t.kind === 'ptr') return `${inner(t.type)} *`;
      if (t.kind === 'array') return `${inner(t.type)}[${t.length}]`;
      if (t.kind === 'struct' || t.kind === 'union' || t.kind === 'enum') return `${t.kind} ${t.name}`.trim();
      if (t.kind === 'const' || t.kind === 'volatile') return `${t.kind} ${inner(t.type)}`;
      if (t.kind === 'restrict' || t.kind === 'type_tag') return inner(t.type);
      return t.name;
    }
  }
}
