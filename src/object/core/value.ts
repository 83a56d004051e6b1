/** The number that a relocation puts into its instruction, from a spec. */
import { isComposite, isEnum } from '../../btf/index.ts';
import { CORE_SUBJECT, CoreError } from './kinds.ts';
import type { Spec } from './spec.ts';

/** Value of one side, local or target. */
export interface SpecValue {
  /** 64 bits, unsigned; undefined: the instruction is poisoned */
  readonly value: bigint | undefined;
  /** byte offsets of plain fields: bytes of the field and its type, for the width of loads and stores */
  readonly size: number;
  readonly type: number;
  /** the instruction is expected to hold the local value */
  readonly validate: boolean;
}

const of = (value: bigint | number | undefined, validate = true, size = 0, type = 0): SpecValue => ({
  value: value === undefined ? undefined : BigInt.asUintN(64, BigInt(value)),
  size,
  type,
  validate,
});

/** Value of a relocation for `spec`, or for no match at all. @throws CoreError, BtfError */
export function specValue(kind: Spec['kind'], spec: Spec | undefined): SpecValue {
  switch (CORE_SUBJECT[kind]) {
    case 'field':
      return fieldValue(kind, spec);
    case 'type':
      if (!spec) return of(0);
      if (kind === 'target_type_id') return of(spec.root, false);
      return of(kind === 'type_size' ? spec.btf.sizeOf(spec.root) : 1);
    case 'enumval': {
      if (kind === 'enumval_exists') return of(spec ? 1 : 0);
      const step = spec?.steps[0];
      const type = spec && step ? spec.btf.typeById(step.type) : undefined;
      return of(type && isEnum(type) && step ? type.values[step.index]?.value : undefined);
    }
  }
}

function fieldValue(kind: Spec['kind'], spec: Spec | undefined): SpecValue {
  if (kind === 'field_exists') return of(spec ? 1 : 0);
  const step = spec?.steps.at(-1);
  if (!spec || !step) return of(undefined);
  const { btf } = spec;
  if (step.name === '') {
    const size = btf.sizeOf(step.type);
    if (kind === 'byte_off') return of(Math.floor(spec.bitOffset / 8), true, size, step.type);
    if (kind === 'byte_sz') return of(size);
    throw new CoreError(`${kind} cannot be asked of an array element`);
  }
  const holder = btf.typeById(step.type);
  const member = isComposite(holder) ? holder.members[step.index] : undefined;
  if (!member) throw new CoreError(`type [${step.type}] has no member ${step.index}`);
  const type = btf.resolve(member.type);
  const bitfield = member.bitfieldSize > 0;
  const bit = spec.bitOffset;
  let bits = member.bitfieldSize;
  let bytes = btf.sizeOf(type.id);
  let offset = Math.floor(bit / 8);
  if (bitfield) {
    // The smallest aligned integer that holds all of it.
    if (bytes === 0) throw new CoreError(`bitfield '${member.name}' is of a type without a size`);
    offset = Math.floor(bit / 8 / bytes) * bytes;
    while (bit + bits - offset * 8 > bytes * 8) {
      if (bytes >= 8) throw new CoreError(`bitfield '${member.name}' does not fit 64 bits`);
      bytes *= 2;
      offset = Math.floor(bit / 8 / bytes) * bytes;
    }
  } else {
    bits = bytes * 8;
  }
  // Compilers may place a bitfield's load elsewhere, so what the instruction holds is not checked for those.
  switch (kind) {
    case 'byte_off':
      return bitfield ? of(offset, false) : of(offset, true, bytes, type.id);
    case 'byte_sz':
      return of(bytes, !bitfield);
    case 'signed':
      return of((isEnum(type) || type.kind === 'int') && type.signed ? 1 : 0);
    case 'lshift_u64':
      return of(64 - (bit + bits - offset * 8), !bitfield);
    default:
      return of(64 - bits);
  }
}
