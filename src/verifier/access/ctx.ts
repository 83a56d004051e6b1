/** The program's context (check_ctx_access()): which fields there are is the program type's to say. */

import { narrowS32 } from '../domain/cast.ts';
import type { Env } from '../env/env.ts';
import type { CtxAccess } from '../kernel.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import type { CtxField, MemAccess } from './access.ts';
import { btfContextAccess, usesBtfContext } from './btfctx.ts';
import { checkUnmodified } from './region.ts';

function fromModel(env: Env, found: CtxAccess): CtxField {
  const base = R.typeByName(found.regType);
  if (base === undefined) throw new Error(`unknown register type ${found.regType} of a context field`);
  const btf = found.btfType ? env.kernel.vmlinux : undefined;
  const btfId = btf && found.btfType ? btf.findByName(found.btfType, 'struct') : 0;
  return {
    type: base | R.flagsOf(found.regFlags),
    fieldSize: found.ctxFieldSize ?? 0,
    ...(btf ? { btf, btfId } : {}),
    ...(found.memSize !== undefined ? { memSize: found.memSize } : {}),
  };
}

function find(env: Env, a: MemAccess, off: number): CtxField {
  const { input } = env;
  if (usesBtfContext(env)) {
    const field = btfContextAccess(env, off, a.size, a.write);
    if (field) return field;
  } else {
    const model = env.kernel.context(input.type, input.expectedAttachType);
    const found = model?.access(off, a.size, a.write, input.expectedAttachType);
    if (found && !(a.signed && R.typeByName(found.regType) !== R.SCALAR_VALUE)) return fromModel(env, found);
  }
  return env.fail('EACCES', `invalid bpf_context access off=${off} size=${a.size}`);
}

export function loadContext(env: Env, a: MemAccess, reg: Reg, off: number): void {
  checkUnmodified(env, reg, a.regno);
  let field: CtxField;
  try {
    field = find(env, a, off);
  } catch (refused) {
    env.printSource();
    throw refused;
  }
  if (R.baseType(field.type) !== R.PTR_TO_BTF_ID) env.auxAt(a.insnIdx).ctxFieldSize = field.fieldSize;
  if (a.write || a.value < 0) return;
  const dst = env.reg(a.value);
  if (field.type === R.SCALAR_VALUE) {
    env.markUnknown(dst);
    if (field.retRange) dst.v = narrowS32(dst.v, ...field.retRange);
    return;
  }
  dst.markKnown(0n);
  dst.type = field.type;
  if (R.mayBeNull(field.type)) dst.id = ++env.idGen;
  dst.btf = field.btf;
  dst.btfId = field.btfId ?? 0;
  if (field.memSize !== undefined) dst.memSize = field.memSize;
}
