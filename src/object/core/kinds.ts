import { EmuError } from '../../errors/index.ts';

/** Kinds of CO-RE relocation, `enum bpf_core_relo_kind` of include/uapi/linux/bpf.h (Documentation/bpf/llvm_reloc.rst, "CO-RE Relocations"). */
export const CORE_KINDS = [
  'byte_off',
  'byte_sz',
  'field_exists',
  'signed',
  'lshift_u64',
  'rshift_u64',
  'local_type_id',
  'target_type_id',
  'type_exists',
  'type_size',
  'enumval_exists',
  'enumval_value',
  'type_matches',
] as const;
export type CoreKind = (typeof CORE_KINDS)[number];

/** What a kind is about. */
export const CORE_SUBJECT: Readonly<Record<CoreKind, 'field' | 'type' | 'enumval'>> = {
  byte_off: 'field',
  byte_sz: 'field',
  field_exists: 'field',
  signed: 'field',
  lshift_u64: 'field',
  rshift_u64: 'field',
  local_type_id: 'type',
  target_type_id: 'type',
  type_exists: 'type',
  type_size: 'type',
  enumval_exists: 'enumval',
  enumval_value: 'enumval',
  type_matches: 'type',
};

/** A relocation that cannot be done: not the same as one that has no match, which poisons its instruction. */
export class CoreError extends EmuError {
  override readonly name = 'CoreError';
  constructor(message: string) {
    super('ERR_CORE', message);
  }
}
