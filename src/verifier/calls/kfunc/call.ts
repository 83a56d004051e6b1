/** A call of a kernel function by BTF id (check_kfunc_call()). */
import type { Insn } from '../../../isa/index.ts';
import type { Env } from '../../walk/env.ts';
import { kfuncOf } from './table.ts';

export function checkKfuncCall(env: Env, insn: Insn): 'next' | 'throw' {
  const desc = kfuncOf(env, insn);
  if (!desc) env.quit('EINVAL');
  return env.fail('ENOTSUPP', `kfunc ${desc.facts.name} is not modelled yet`);
}
