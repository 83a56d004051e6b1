/** The type of what goes into a kptr (map_kptr_match_type()). */

import type { Env } from '../env/env.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import { structIdsMatch } from './btfwalk.ts';
import type { SpecialField } from './record.ts';
import { checkUnmodified } from './region.ts';

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
  if (!reg.btf || !structIdsMatch(env.sayLine, reg.btf, reg.btfId, reg.off, field.btf, field.typeId ?? 0, strict))
    bad();
}
