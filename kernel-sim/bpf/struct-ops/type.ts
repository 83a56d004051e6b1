/** The value of a struct_ops map, `struct bpf_struct_ops_NAME`: its state, then the kernel's structure, member by member. */
import type { Btf } from '../../../src/btf/index.ts';
import type { StructOpsRow } from './row.ts';
import { STRUCT_OPS } from './table.ts';

export interface OpsMember {
  readonly name: string;
  /** bytes from the structure's start, and of the member */
  readonly offset: number;
  readonly size: number;
  /** of a function pointer: bytes of its arguments and of its result (0: void) */
  readonly func?: { readonly argSizes: readonly number[]; readonly retSize: number };
  /** `struct module *owner`: the kernel's own business, which may not be set */
  readonly isOwner?: true;
}
export interface StructOpsType {
  readonly name: string;
  readonly row: StructOpsRow;
  /** BTF id of the structure, for which programs were loaded */
  readonly id: number;
  /** of the value, bytes */
  readonly size: number;
  /** of the structure inside of it */
  readonly data: number;
  readonly dataSize: number;
  readonly refcnt: number;
  readonly state: number;
  readonly members: readonly OpsMember[];
}

const WRAPPER = 'bpf_struct_ops_';

/** @param id BTF id of the value's type; undefined where it is none of a struct_ops type */
export function structOpsType(btf: Btf, id: number): StructOpsType | undefined {
  if (id <= 0 || id >= btf.typeCount) return undefined;
  const wrapper = btf.typeById(id);
  if (wrapper.kind !== 'struct' || !wrapper.name.startsWith(WRAPPER)) return undefined;
  const name = wrapper.name.slice(WRAPPER.length);
  const row = STRUCT_OPS[name];
  const data = wrapper.members.find((member) => member.name === 'data');
  const type = data && btf.resolve(data.type);
  if (row === undefined || type?.kind !== 'struct') return undefined;
  return {
    name,
    row,
    id: type.id,
    size: wrapper.size,
    data: (data?.bitOffset ?? 0) / 8,
    dataSize: type.size,
    refcnt: btf.offsetOf(id, 'common.refcnt').offset,
    state: btf.offsetOf(id, 'common.state').offset,
    members: type.members.map((member) => {
      const pointer = btf.resolve(member.type);
      const target = pointer.kind === 'ptr' ? btf.resolve(pointer.type) : undefined;
      return {
        name: member.name,
        offset: member.bitOffset / 8,
        size: btf.sizeOf(member.type),
        ...(target?.kind === 'struct' && target.name === 'module' ? { isOwner: true as const } : {}),
        ...(target?.kind === 'func_proto'
          ? {
              func: {
                argSizes: target.params.map((param) => btf.sizeOf(param.type)),
                retSize: target.type === 0 ? 0 : btf.sizeOf(target.type),
              },
            }
          : {}),
      };
    }),
  };
}
