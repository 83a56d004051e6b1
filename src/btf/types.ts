/**
 * BTF types as a discriminated union, one member per kind of
 * Linux 6.12 Documentation/bpf/btf.rst, section 2.2. Types name each other by id; id 0 is void.
 */
import type { BtfLinkage } from './kinds.ts';

interface Base {
  readonly id: number;
  /** '' where anonymous */
  readonly name: string;
}

export interface BtfVoid extends Base {
  readonly kind: 'void';
}
export interface BtfInt extends Base {
  readonly kind: 'int';
  /** bytes */
  readonly size: number;
  /** bit offset of the value in its storage; 0 but in hand-made BTF */
  readonly bitOffset: number;
  readonly bits: number;
  readonly signed: boolean;
  readonly char: boolean;
  readonly bool: boolean;
  /** the four encoding bits as they are, `BTF_INT_*` */
  readonly encoding: number;
}
export interface BtfPtr extends Base {
  readonly kind: 'ptr';
  readonly type: number;
}
export interface BtfArray extends Base {
  readonly kind: 'array';
  /** element type */
  readonly type: number;
  readonly indexType: number;
  readonly length: number;
}
export interface BtfMember {
  readonly name: string;
  readonly type: number;
  /** from the start of the structure */
  readonly bitOffset: number;
  /** width where the member is a bitfield, else 0 */
  readonly bitfieldSize: number;
}
export interface BtfComposite extends Base {
  readonly kind: 'struct' | 'union';
  readonly size: number;
  readonly members: readonly BtfMember[];
  /** kind_flag: member offsets carry bitfield widths */
  readonly kindFlag: boolean;
}
export interface BtfEnumerator {
  readonly name: string;
  readonly value: bigint;
}
export interface BtfEnum extends Base {
  readonly kind: 'enum' | 'enum64';
  readonly size: number;
  readonly signed: boolean;
  readonly values: readonly BtfEnumerator[];
}
export interface BtfFwd extends Base {
  readonly kind: 'fwd';
  readonly of: 'struct' | 'union';
}
export interface BtfTypedef extends Base {
  readonly kind: 'typedef';
  readonly type: number;
}
export interface BtfModifier extends Base {
  readonly kind: 'volatile' | 'const' | 'restrict' | 'type_tag';
  readonly type: number;
}
export interface BtfFunc extends Base {
  readonly kind: 'func';
  /** its func_proto */
  readonly type: number;
  readonly linkage: BtfLinkage;
}
export interface BtfParam {
  readonly name: string;
  /** 0 as the last one: variadic */
  readonly type: number;
}
export interface BtfFuncProto extends Base {
  readonly kind: 'func_proto';
  /** type returned */
  readonly type: number;
  readonly params: readonly BtfParam[];
}
export interface BtfVar extends Base {
  readonly kind: 'var';
  readonly type: number;
  readonly linkage: BtfLinkage;
}
export interface BtfSecVar {
  /** a var, or a func in `.ksyms` */
  readonly type: number;
  readonly offset: number;
  readonly size: number;
}
export interface BtfDatasec extends Base {
  readonly kind: 'datasec';
  readonly size: number;
  readonly vars: readonly BtfSecVar[];
}
export interface BtfFloat extends Base {
  readonly kind: 'float';
  readonly size: number;
}
export interface BtfDeclTag extends Base {
  readonly kind: 'decl_tag';
  readonly type: number;
  /** member or parameter it is on, -1 for the type itself */
  readonly component: number;
}

export type BtfType =
  | BtfVoid
  | BtfInt
  | BtfPtr
  | BtfArray
  | BtfComposite
  | BtfEnum
  | BtfFwd
  | BtfTypedef
  | BtfModifier
  | BtfFunc
  | BtfFuncProto
  | BtfVar
  | BtfDatasec
  | BtfFloat
  | BtfDeclTag;

/** Kinds that only wrap another type for the purposes of layout. */
export const isModifier = (t: BtfType): t is BtfModifier =>
  t.kind === 'const' || t.kind === 'volatile' || t.kind === 'restrict' || t.kind === 'type_tag';
export const isComposite = (t: BtfType): t is BtfComposite => t.kind === 'struct' || t.kind === 'union';
export const isEnum = (t: BtfType): t is BtfEnum => t.kind === 'enum' || t.kind === 'enum64';

/** Types by id and name: what decoding and layout need of a whole BTF. */
export interface BtfReader {
  string(offset: number): string;
  typeById(id: number): BtfType;
  findByName(name: string, kind?: BtfType['kind']): number;
  /** through typedefs and qualifiers */
  resolve(id: number): BtfType;
  sizeOf(id: number): number;
}
