/** Fields whose pointers are as good as what they were loaded from (BTF_TYPE_SAFE_* of kernel/bpf/verifier.c). */
import type { Btf } from '../../btf/index.ts';

/** valid under RCU, never null */
const rcu: Readonly<Record<string, readonly string[]>> = {
  task_struct: ['cpus_ptr', 'cgroups', 'real_parent', 'group_leader'],
  cgroup: ['kn'],
  css_set: ['dfl_cgrp'],
};
/** valid under RCU, maybe null */
const rcuOrNull: Readonly<Record<string, readonly string[]>> = {
  mm_struct: ['exe_file'],
  sk_buff: ['sk'],
  request_sock: ['sk'],
};
/** as trusted as the structure, never null */
const trusted: Readonly<Record<string, readonly string[]>> = {
  bpf_iter_meta: ['seq'],
  bpf_iter__task: ['meta', 'task'],
  linux_binprm: ['file'],
  file: ['f_inode'],
  dentry: ['d_inode'],
};
const trustedOrNull: Readonly<Record<string, readonly string[]>> = {
  socket: ['sk'],
};

const listed = (table: Readonly<Record<string, readonly string[]>>, btf: Btf, id: number, field: string): boolean =>
  table[btf.typeById(id).name]?.includes(field) ?? false;

export const isRcuField = (btf: Btf, id: number, field: string): boolean => listed(rcu, btf, id, field);
export const isRcuOrNullField = (btf: Btf, id: number, field: string): boolean => listed(rcuOrNull, btf, id, field);
export const isTrustedField = (btf: Btf, id: number, field: string): boolean => listed(trusted, btf, id, field);
export const isTrustedOrNullField = (btf: Btf, id: number, field: string): boolean =>
  listed(trustedOrNull, btf, id, field);
