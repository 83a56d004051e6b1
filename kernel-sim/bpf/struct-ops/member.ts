/** What a struct_ops program implements, as the verifier asks. */
import type { Btf } from '../../../src/btf/index.ts';
import type { StructOpsMember } from '../../../src/verifier/kernel.ts';
import { STRUCT_OPS } from './table.ts';

/** The member of a struct_ops type; undefined where the id names no such type, or the member is not a function. */
export function structOpsMember(btf: Btf | undefined, typeId: number, index: number): StructOpsMember | undefined {
  if (btf === undefined || typeId <= 0 || typeId >= btf.typeCount) return undefined;
  const type = btf.typeById(typeId);
  if (type.kind !== 'struct') return undefined;
  const row = STRUCT_OPS[type.name];
  const member = type.members[index];
  if (row === undefined || member === undefined) return undefined;
  const pointer = btf.resolve(member.type);
  const proto = pointer.kind === 'ptr' ? btf.resolve(pointer.type) : undefined;
  return {
    proto: proto?.kind === 'func_proto' ? proto.id : member.type,
    struct: type.name,
    name: member.name,
    ...(row.unsupported.includes(member.name) ? { unsupported: true } : {}),
  };
}
