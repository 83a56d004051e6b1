/** bpf_kptr_xchg and the type of what goes into a kptr (process_kptr_func(), map_kptr_match_type()). */
import { structIdsMatch } from '../access/btfwalk.ts';
import { fieldAt, isKptr, type SpecialField } from '../access/record.ts';
import { checkUnmodified } from '../access/region.ts';
import { recordOf } from '../state/nullness.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import type { Env } from '../walk/env.ts';
import type { CallMeta } from './meta.ts';

export function checkKptrType(env: Env, field: SpecialField | undefined, reg: Reg, regno: number): void {
  if (!field?.btf) env.fail('EFAULT', 'verifier internal error: no kptr');
  const target = field.btf.typeById(field.typeId ?? 0).name;
  const own = field.btf !== env.kernel.vmlinux;
  let allowed = R.PTR_MAYBE_NULL;
  if (own) {
    allowed |= R.MEM_ALLOC;
    if (field.kind === 'percpu_kptr') allowed |= R.MEM_PERCPU;
  } else {
    allowed |= R.PTR_TRUSTED | R.MEM_RCU;
    if (field.kind === 'kptr_untrusted') allowed |= R.PTR_UNTRUSTED;
  }
  const name = (): string => (reg.btf ? reg.btf.typeById(reg.btfId).name : '');
  const bad = (): never => {
    env.log.write(`invalid kptr access, R${regno} type=${R.typeText(reg.type)}${name()} `);
    env.log.write(`expected=${R.typeText(R.PTR_TO_BTF_ID)}${target}`);
    env.log.write(
      field.kind === 'kptr_untrusted' ? ` or ${R.typeText(R.PTR_TO_BTF_ID | R.PTR_UNTRUSTED)}${target}\n` : '\n',
    );
    return env.quit('EACCES');
  };
  if (R.baseType(reg.type) !== R.PTR_TO_BTF_ID || R.typeFlags(reg.type) & ~allowed) bad();
  checkUnmodified(env, reg, regno, true);
  const strict = field.kind !== 'kptr_untrusted';
  if (!reg.btf || !structIdsMatch(reg.btf, reg.btfId, reg.off, field.btf, field.typeId ?? 0, strict)) bad();
}

export function processKptrDest(env: Env, reg: Reg, regno: number, meta: CallMeta): void {
  const inMap = reg.type === R.PTR_TO_MAP_VALUE;
  if (inMap && !reg.map?.btf)
    env.fail('EINVAL', `map '${reg.map?.name}' has to have BTF in order to use bpf_kptr_xchg`);
  const fields = recordOf(reg).filter((f) => isKptr(f.kind));
  if (fields.length === 0) env.fail('EINVAL', `R${regno} has no valid kptr`);
  if (!reg.v.isConst)
    env.fail('EINVAL', `R${regno} doesn't have constant offset. kptr has to be at the constant offset`);
  const off = reg.off + Number(reg.v.smin);
  const field = fieldAt(fields, off);
  if (!field) env.fail('EACCES', `off=${off} doesn't point to kptr`);
  if (field.kind === 'kptr_untrusted') env.fail('EACCES', `off=${off} kptr isn't referenced kptr`);
  meta.kptr = field;
}
