/**
 * BPF iterators' contexts: members of `struct bpf_iter__NAME` that are more than their BTF says
 * (`ctx_arg_info` of each target's bpf_iter_reg).
 */
import type { Btf } from '../../btf/index.ts';
import * as R from '../state/regtype.ts';
import type { CtxArgInfo } from '../walk/env.ts';

const OR_NULL = R.PTR_TO_BTF_ID | R.PTR_MAYBE_NULL;
const TRUSTED = OR_NULL | R.PTR_TRUSTED;
const BUF = R.PTR_TO_BUF | R.PTR_MAYBE_NULL;
const RDONLY_BUF = BUF | R.MEM_RDONLY;

/** target → member, its register type, the structure where the member's own type is not meant */
const targets: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  task: { task: TRUSTED },
  task_file: { task: OR_NULL, file: OR_NULL },
  task_vma: { task: OR_NULL, vma: OR_NULL },
  bpf_map: { map: TRUSTED },
  bpf_map_elem: { key: RDONLY_BUF, value: BUF },
  bpf_sk_storage_map: { sk: OR_NULL, value: BUF },
  bpf_prog: { prog: OR_NULL },
  bpf_link: { link: OR_NULL },
  sockmap: { key: RDONLY_BUF, sk: OR_NULL },
  tcp: { sk_common: TRUSTED },
  udp: { udp_sk: TRUSTED },
  unix: { unix_sk: OR_NULL },
  netlink: { sk: OR_NULL },
  ipv6_route: { rt: OR_NULL },
  ksym: { ksym: OR_NULL },
  cgroup: { cgroup: TRUSTED },
};

/** Pointers whose members are declared as something wider. */
const structs: Readonly<Record<string, string>> = { 'tcp.sk_common': 'sock_common', 'udp.udp_sk': 'udp_sock', 'unix.unix_sk': 'unix_sock', 'netlink.sk': 'netlink_sock' };

export function iteratorContext(btf: Btf, func: string): (off: number) => CtxArgInfo | undefined {
  const name = func.replace(/^bpf_iter_/, '');
  const members = targets[name];
  const struct = btf.typeById(btf.findByName(`bpf_iter__${name}`, 'struct'));
  const found = new Map<number, CtxArgInfo>();
  if (members && struct.kind === 'struct') {
    for (const [path, type] of Object.entries(members)) {
      const field = btf.offsetOf(struct.id, path);
      const ptr = btf.resolve(field.type);
      const target = ptr.kind === 'ptr' ? btf.resolve(ptr.type) : undefined;
      const named = structs[`${name}.${path}`];
      const btfId = named ? btf.findByName(named, 'struct') : (target?.id ?? 0);
      found.set(field.offset, R.baseType(type) === R.PTR_TO_BTF_ID ? { type, btf, btfId } : { type });
    }
  }
  return (off) => found.get(off);
}
