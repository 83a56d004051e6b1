/** What a pointer parameter of a kernel function takes (get_kfunc_ptr_arg_type()). */
import { type Btf, type BtfParam, type BtfType, isComposite, isEnum } from '../../../btf/index.ts';
import { kindText } from '../../access/btfctx.ts';
import { skipModifiers } from '../../access/btfwalk.ts';
import type { Env } from '../../env/env.ts';
import { isContextType } from '../../prep/ctxtype.ts';
import type { Reg } from '../../state/reg.ts';
import * as R from '../../state/regtype.ts';
import { hasSuffix, type KfuncMeta } from './meta.ts';

export type ArgKind =
  | 'ctx'
  | 'alloc'
  | 'refcounted'
  | 'dynptr'
  | 'iter'
  | 'list_head'
  | 'list_node'
  | 'btf'
  | 'mem'
  | 'mem_size'
  | 'callback'
  | 'rb_root'
  | 'rb_node'
  | 'null'
  | 'const_str'
  | 'map'
  | 'wq';

const byStruct: Readonly<Record<string, ArgKind>> = {
  bpf_dynptr: 'dynptr',
  bpf_list_head: 'list_head',
  bpf_list_node: 'list_node',
  bpf_rb_root: 'rb_root',
  bpf_rb_node: 'rb_node',
};

/** Register types that stand for a kernel structure of their own (reg2btf_ids). */
const asStruct: Readonly<Record<number, string>> = {
  [R.PTR_TO_SOCKET]: 'sock',
  [R.PTR_TO_SOCK_COMMON]: 'sock_common',
  [R.PTR_TO_TCP_SOCK]: 'tcp_sock',
  [R.CONST_PTR_TO_MAP]: 'bpf_map',
};
export const structOfReg = (type: number): string | undefined => asStruct[R.baseType(type)];

export const isScalarType = (t: BtfType): boolean => t.kind === 'int' || isEnum(t);

/** A structure of numbers, arrays of numbers and other such structures (`__btf_type_is_scalar_struct`). */
export function isScalarStruct(env: Env, btf: Btf, t: BtfType, depth = 0): boolean {
  if (!isComposite(t)) return false;
  return t.members.every((member) => {
    let type = skipModifiers(btf, member.type);
    if (isComposite(type)) {
      if (depth >= 3) {
        env.say('max struct nesting depth exceeded');
        return false;
      }
      return isScalarStruct(env, btf, type, depth + 1);
    }
    if (type.kind === 'array') type = skipModifiers(btf, type.type);
    return isScalarType(type);
  });
}

export const isMemSize = (btf: Btf, param: BtfParam | undefined, reg: Reg, suffix: string): boolean =>
  param !== undefined &&
  isScalarType(skipModifiers(btf, param.type)) &&
  reg.type === R.SCALAR_VALUE &&
  hasSuffix(param, suffix);

export function kindOfArg(
  env: Env,
  meta: KfuncMeta,
  ptr: BtfType & { kind: 'ptr' },
  target: BtfType,
  n: number,
  reg: Reg,
): ArgKind {
  const { btf } = meta;
  const { params } = meta.proto;
  const param = params[n] as BtfParam;
  if (meta.name === 'bpf_cast_to_kern_ctx') return 'ctx';
  if (isContextType(env, btf, ptr)) return 'ctx';
  const isNull = hasSuffix(param, '__nullable') && reg.isNull;
  if (isNull) return 'null';
  if (hasSuffix(param, '__alloc')) return 'alloc';
  if (hasSuffix(param, '__refcounted_kptr')) return 'refcounted';
  if (target.kind === 'struct' && target.name === 'bpf_dynptr') return 'dynptr';
  if (meta.isIter ? n === 0 : hasSuffix(param, '__iter')) return 'iter';
  const special = target.kind === 'struct' ? byStruct[target.name] : undefined;
  if (special) return special;
  if (hasSuffix(param, '__str')) return 'const_str';
  if (hasSuffix(param, '__map')) return 'map';
  if (target.kind === 'struct' && target.name === 'bpf_wq') return 'wq';
  if (R.baseType(reg.type) === R.PTR_TO_BTF_ID || structOfReg(reg.type)) {
    if (!isComposite(target))
      env.fail(
        'EINVAL',
        `kernel function ${meta.name} args#${n} pointer type ${kindText(target.kind)} ${target.name} is not supported`,
      );
    return 'btf';
  }
  if (target.kind === 'func_proto') return 'callback';
  const sized =
    n + 1 < params.length &&
    n + 2 <= 5 &&
    (isMemSize(btf, params[n + 1], env.reg(n + 2), '__sz') || isMemSize(btf, params[n + 1], env.reg(n + 2), '__szk'));
  if (!isScalarType(target) && !isScalarStruct(env, btf, target) && !(sized && target.kind === 'void')) {
    env.fail(
      'EINVAL',
      `arg#${n} pointer type ${kindText(target.kind)} ${target.name} must point to ${sized ? 'void, ' : ''}scalar, or struct with scalar`,
    );
  }
  return sized ? 'mem_size' : 'mem';
}
