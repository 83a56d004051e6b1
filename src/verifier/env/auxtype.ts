/** One instruction, one way to access memory: rewrites depend on it (save_aux_ptr_type()). */
import * as R from '../state/regtype.ts';
import type { Env } from './env.ts';

/** Pointers whose loads and stores are rewritten. */
function isConverted(type: number): boolean {
  switch (R.baseType(type)) {
    case R.PTR_TO_CTX:
    case R.PTR_TO_SOCKET:
    case R.PTR_TO_SOCK_COMMON:
    case R.PTR_TO_TCP_SOCK:
    case R.PTR_TO_XDP_SOCK:
    case R.PTR_TO_BTF_ID:
    case R.PTR_TO_ARENA:
      return true;
    default:
      return false;
  }
}

export function saveAuxType(env: Env, type: number, allowMismatch: boolean): void {
  const aux = env.auxAt(env.insnIdx);
  if (aux.ptrTypeBits === R.NOT_INIT) {
    aux.ptrTypeBits = type;
    return;
  }
  const previous = aux.ptrTypeBits;
  if (type === previous || !(isConverted(type) || isConverted(previous))) return;
  const btf = (t: number): boolean => R.baseType(t) === R.PTR_TO_BTF_ID;
  // loads of both kinds can fault, so both are converted
  if (!allowMismatch || !btf(type) || !btf(previous))
    env.fail('EINVAL', 'same insn cannot be used with different pointers');
  aux.ptrTypeBits = R.PTR_TO_BTF_ID | R.PTR_UNTRUSTED;
}
