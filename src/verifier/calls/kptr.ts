import { fieldAt, isKptr } from '../access/record.ts';
import type { Env } from '../env/env.ts';
import { recordOf } from '../state/nullness.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import type { CallMeta } from './meta.ts';

export function processKptrDest(env: Env, reg: Reg, regno: number, meta: CallMeta): void {
  const inMap = reg.type === R.PTR_TO_MAP_VALUE;
  if (inMap && !reg.map?.btf)
    env.fail('EINVAL', `map '${reg.map?.name}' has to have BTF in order to use bpf_kptr_xchg`);
  const fields = recordOf(env, reg).filter((f) => isKptr(f.kind));
  if (fields.length === 0) env.fail('EINVAL', `R${regno} has no valid kptr`);
  if (!reg.v.isConst)
    env.fail('EINVAL', `R${regno} doesn't have constant offset. kptr has to be at the constant offset`);
  const off = reg.off + reg.v.sminNumber;
  const field = fieldAt(fields, off);
  if (!field) env.fail('EACCES', `off=${off} doesn't point to kptr`);
  if (field.kind === 'kptr_untrusted') env.fail('EACCES', `off=${off} kptr isn't referenced kptr`);
  meta.kptr = field;
}
