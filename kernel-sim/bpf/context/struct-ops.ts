/** Structures of functions that programs may implement: `struct bpf_struct_ops` of net/ipv4/bpf_tcp_ca.c and net/bpf/bpf_dummy_struct_ops.c, Linux 6.12. */
import type { Btf } from '../../../src/btf/index.ts';
import type { StructOpsMember } from '../../../src/verifier/kernel.ts';

/** Members that the kernel has no stub for, and so refuses programs. */
const TYPES: Readonly<Record<string, readonly string[]>> = {
  tcp_congestion_ops: ['get_info'],
  bpf_dummy_ops: [],
};

/** The member of a struct_ops type; undefined where the id names no such type, or the member is not a function. */
export function structOpsMember(btf: Btf | undefined, typeId: number, index: number): StructOpsMember | undefined {
  if (btf === undefined || typeId <= 0 || typeId >= btf.typeCount) return undefined;
  const type = btf.typeById(typeId);
  if (type.kind !== 'struct') return undefined;
  const unsupported = TYPES[type.name];
  const member = type.members[index];
  if (unsupported === undefined || member === undefined) return undefined;
  const pointer = btf.resolve(member.type);
  const proto = pointer.kind === 'ptr' ? btf.resolve(pointer.type) : undefined;
  return {
    proto: proto?.kind === 'func_proto' ? proto.id : member.type,
    struct: type.name,
    name: member.name,
    ...(unsupported.includes(member.name) ? { unsupported: true } : {}),
  };
}
