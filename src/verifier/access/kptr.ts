/** Kernel pointers kept in map values: loads and stores (check_map_kptr_access()). */

import * as I from '../../isa/index.ts';
import type { Env } from '../env/env.ts';
import { inRcu } from '../env/section.ts';
import * as R from '../state/regtype.ts';
import type { MemAccess } from './access.ts';
import { checkKptrType } from './kptr-type.ts';
import type { SpecialField } from './record.ts';

export function checkKptrAccess(env: Env, a: MemAccess, field: SpecialField): void {
  const insn = env.insn(a.insnIdx);
  const cls = I.bpfClass(insn.code);
  if (I.bpfMode(insn.code) !== I.BPF_MEM)
    env.fail('EACCES', 'kptr in map can only be accessed using BPF_MEM instruction mode');
  if (cls !== I.BPF_LDX && field.kind !== 'kptr_untrusted') env.fail('EACCES', 'store to referenced kptr disallowed');
  if (cls === I.BPF_LDX) {
    const dst = env.reg(a.value);
    const own = field.btf !== env.kernel.vmlinux;
    const safe = field.kind !== 'kptr_untrusted' && inRcu(env) && (own || field.kind === 'kptr');
    dst.markKnown(0n);
    dst.type = R.PTR_TO_BTF_ID | R.PTR_MAYBE_NULL;
    if (safe && (own || isRcuSafe(env, field))) {
      dst.type |= R.MEM_RCU;
      if (field.kind === 'percpu_kptr') dst.type |= R.MEM_PERCPU;
      else if (own) dst.type |= R.NON_OWN_REF | R.MEM_ALLOC;
    } else dst.type |= R.PTR_UNTRUSTED;
    dst.btf = field.btf;
    dst.btfId = field.typeId ?? 0;
    dst.id = ++env.idGen;
  } else if (cls === I.BPF_STX) {
    const value = env.reg(a.value);
    if (!value.isNull) checkKptrType(env, field, value, a.value);
  } else if (cls === I.BPF_ST && insn.imm) {
    env.fail('EACCES', `BPF_ST imm must be 0 when storing to kptr at off=${field.offset}`);
  }
}

/** Kernel types that are freed only after a grace period (rcu_protected_types). */
const protectedTypes = new Set(['prog_test_ref_kfunc', 'cgroup', 'bpf_cpumask', 'task_struct', 'bpf_crypto_ctx']);
const isRcuSafe = (_env: Env, field: SpecialField): boolean =>
  protectedTypes.has(field.btf?.typeById(field.typeId ?? 0).name ?? '');
