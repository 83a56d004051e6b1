/** Register types that each kind of helper argument takes (compatible_reg_types, check_reg_type()). */

import { structIdsMatch } from '../access/btfwalk.ts';
import { checkKptrType } from '../access/kptr-type.ts';
import { checkUnmodified } from '../access/region.ts';
import type { Env } from '../env/env.ts';
import type { ArgType, HelperArg } from '../kernel.ts';
import type { Reg } from '../state/reg.ts';
import * as R from '../state/regtype.ts';
import type { CallMeta } from './meta.ts';

const { PTR_TO_BTF_ID: BTF } = R;
const scalar = [R.SCALAR_VALUE];
const sock = [R.PTR_TO_SOCK_COMMON, R.PTR_TO_SOCKET, R.PTR_TO_TCP_SOCK, R.PTR_TO_XDP_SOCK];
const mem = [
  R.PTR_TO_STACK,
  R.PTR_TO_PACKET,
  R.PTR_TO_PACKET_META,
  R.PTR_TO_MAP_KEY,
  R.PTR_TO_MAP_VALUE,
  R.PTR_TO_MEM,
  R.PTR_TO_MEM | R.MEM_RINGBUF,
  R.PTR_TO_BUF,
  BTF | R.PTR_TRUSTED,
];

const compatible: Readonly<Partial<Record<ArgType, readonly number[]>>> = {
  ARG_PTR_TO_MAP_KEY: mem,
  ARG_PTR_TO_MAP_VALUE: mem,
  ARG_SCALAR: scalar,
  ARG_CONST_SIZE: scalar,
  ARG_CONST_SIZE_OR_ZERO: scalar,
  ARG_CONST_ALLOC_SIZE_OR_ZERO: scalar,
  ARG_CONST_MAP_PTR: [R.CONST_PTR_TO_MAP],
  ARG_PTR_TO_CTX: [R.PTR_TO_CTX],
  ARG_PTR_TO_SOCK_COMMON: sock,
  ARG_PTR_TO_BTF_ID_SOCK_COMMON: [...sock, BTF, BTF | R.PTR_TRUSTED],
  ARG_PTR_TO_SOCKET: [R.PTR_TO_SOCKET],
  ARG_PTR_TO_BTF_ID: [BTF, BTF | R.PTR_TRUSTED, BTF | R.MEM_RCU],
  ARG_PTR_TO_SPIN_LOCK: [R.PTR_TO_MAP_VALUE, BTF | R.MEM_ALLOC],
  ARG_PTR_TO_MEM: mem,
  ARG_PTR_TO_RINGBUF_MEM: [R.PTR_TO_MEM | R.MEM_RINGBUF],
  ARG_PTR_TO_PERCPU_BTF_ID: [BTF | R.MEM_PERCPU, BTF | R.MEM_PERCPU | R.MEM_RCU, BTF | R.MEM_PERCPU | R.PTR_TRUSTED],
  ARG_PTR_TO_FUNC: [R.PTR_TO_FUNC],
  ARG_PTR_TO_STACK: [R.PTR_TO_STACK],
  ARG_PTR_TO_CONST_STR: [R.PTR_TO_MAP_VALUE],
  ARG_PTR_TO_TIMER: [R.PTR_TO_MAP_VALUE],
  ARG_KPTR_XCHG_DEST: [R.PTR_TO_MAP_VALUE, BTF | R.MEM_ALLOC],
  ARG_PTR_TO_DYNPTR: [R.PTR_TO_STACK, R.CONST_PTR_TO_DYNPTR],
};

const has = (arg: HelperArg, flag: HelperArg['flags'][number]): boolean => arg.flags.includes(flag);

/** A pointer to a kernel structure: of the right type, and not null. */
function checkStruct(env: Env, reg: Reg, regno: number, arg: HelperArg, meta: CallMeta): void {
  const release = has(arg, 'OBJ_RELEASE');
  const flags = R.typeFlags(reg.type);
  if (flags & (R.MEM_ALLOC | R.MEM_PERCPU)) {
    if (meta.helper === 'kptr_xchg' && regno === 2) checkKptrType(env, meta.kptr, reg, regno);
    return;
  }
  if (R.mayBeNull(reg.type) && (!has(arg, 'PTR_MAYBE_NULL') || release))
    env.fail('EACCES', `Possibly NULL pointer passed to helper arg${regno}`);
  if (meta.helper === 'kptr_xchg') {
    checkKptrType(env, meta.kptr, reg, regno);
    return;
  }
  const wanted = arg.btfType ?? (arg.type === 'ARG_PTR_TO_BTF_ID_SOCK_COMMON' ? 'sock_common' : undefined);
  const { vmlinux } = env.kernel;
  if (!wanted || !vmlinux || !reg.btf) env.fail('EFAULT', 'verifier internal error: missing arg compatible BTF ID');
  const id = vmlinux.findByName(wanted, 'struct');
  // a socket of any kind begins with sock_common
  const strict = release && meta.helper !== 'sk_release';
  if (structIdsMatch(env.sayLine, reg.btf, reg.btfId, reg.off, vmlinux, id, strict)) return;
  env.fail('EACCES', `R${regno} is of type ${reg.btf.typeById(reg.btfId).name} but ${wanted} is expected`);
}

export function checkArgType(env: Env, reg: Reg, regno: number, arg: HelperArg, meta: CallMeta): void {
  const types = compatible[arg.type];
  if (!types) env.fail('EFAULT', `verifier internal error: unsupported arg type ${arg.type}`);
  let { type } = reg;
  if (has(arg, 'MEM_RDONLY')) type &= ~R.MEM_RDONLY;
  if (has(arg, 'PTR_MAYBE_NULL')) type &= ~R.PTR_MAYBE_NULL;
  if (arg.type === 'ARG_PTR_TO_MEM') type &= ~R.DYNPTR_TYPE_MASK;
  if (meta.helper === 'kptr_xchg' && regno === 2 && type & R.MEM_ALLOC) type &= ~(R.MEM_ALLOC | R.MEM_PERCPU);
  if (!types.includes(type))
    env.fail('EACCES', `R${regno} type=${R.typeText(reg.type)} expected=${types.map(R.typeText).join(', ')}`);
  if (R.baseType(reg.type) !== BTF) return;
  if (types !== mem) checkStruct(env, reg, regno, arg, meta);
  else if (!has(arg, 'MEM_RDONLY'))
    env.fail('EACCES', `bpf_${meta.helper}() may write into memory pointed by R${regno} type=${R.typeText(reg.type)}`);
}

const anyOffset: readonly number[] = [
  R.PTR_TO_STACK,
  R.PTR_TO_PACKET,
  R.PTR_TO_PACKET_META,
  R.PTR_TO_MAP_KEY,
  R.PTR_TO_MAP_VALUE,
  R.PTR_TO_MEM,
  R.PTR_TO_MEM | R.MEM_RDONLY,
  R.PTR_TO_MEM | R.MEM_RINGBUF,
  R.PTR_TO_BUF,
  R.PTR_TO_BUF | R.MEM_RDONLY,
  R.PTR_TO_ARENA,
  R.SCALAR_VALUE,
];
const fixedOffset: readonly number[] = [
  BTF,
  BTF | R.MEM_ALLOC,
  BTF | R.PTR_TRUSTED,
  BTF | R.MEM_RCU,
  BTF | R.MEM_ALLOC | R.NON_OWN_REF,
  BTF | R.MEM_ALLOC | R.NON_OWN_REF | R.MEM_RCU,
];

/** `check_func_arg_reg_off`: which pointers may have moved. */
export function checkArgOffset(env: Env, reg: Reg, regno: number, release: boolean, dynptr: boolean): void {
  if (release) {
    if (dynptr && reg.type === R.PTR_TO_STACK) return;
    if (reg.off)
      env.fail('EINVAL', `R${regno} must have zero offset when passed to release func or trusted arg to kfunc`);
    checkUnmodified(env, reg, regno);
    return;
  }
  if (anyOffset.includes(reg.type)) return;
  checkUnmodified(env, reg, regno, fixedOffset.includes(reg.type));
}
