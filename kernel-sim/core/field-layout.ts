/** Where kernel structures keep their fields: asked of the active BTF, never written in code. */
import type { Btf } from '../../src/btf/index.ts';

export interface StructField {
  /** byte that holds the field's first bit */
  readonly offset: number;
  readonly size: number;
  /** bits where it is a bitfield, else 0 */
  readonly bitfieldSize: number;
  readonly bitOffset: number;
}

/** `offsetof` and `sizeof` of the kernel that runs. */
export interface StructLayout {
  /** @throws when the structure or the member does not exist */
  field(struct: string, member: string): StructField;
}

/** A layout that reads BTF, remembering what it was asked. */
export function layoutOf(btf: Pick<Btf, 'offsetOf'>): StructLayout {
  const known = new Map<string, StructField>();
  return {
    field(struct, member) {
      const key = `${struct}.${member}`;
      let field = known.get(key);
      if (field === undefined) {
        const { offset, size, bitfieldSize, bitOffset } = btf.offsetOf(struct, member);
        field = { offset, size, bitfieldSize, bitOffset };
        known.set(key, field);
      }
      return field;
    },
  };
}
