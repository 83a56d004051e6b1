/**
 * Fields whose pointers are as good as what they were loaded from: the kernel's BTF has a structure
 * `TYPE__safe_…` with them beside the type (btf_nested_type_is_trusted(), BTF_TYPE_SAFE_* of kernel/bpf/verifier.c).
 */
import { type Btf, isComposite } from '../../btf/index.ts';
import { skipModifiers } from './btfwalk.ts';

/** What such a pointer is: valid under RCU or as trusted as the structure, and maybe null. */
export type SafeKind = 'rcu' | 'rcu_or_null' | 'trusted' | 'trusted_or_null';

/** @param target BTF id of what the field points to: it must agree, too */
export function isSafeField(btf: Btf, id: number, field: string, target: number, kind: SafeKind): boolean {
  const owner = btf.typeById(id);
  if (!isComposite(owner)) return false;
  const safe = btf.findByName(`${owner.name}__safe_${kind}`, owner.kind);
  const type = safe ? btf.typeById(safe) : undefined;
  if (!type || !isComposite(type)) return false;
  return type.members.some((member) => {
    const ptr = btf.typeById(member.type);
    return member.name === field && ptr.kind === 'ptr' && skipModifiers(btf, ptr.type).id === target;
  });
}
