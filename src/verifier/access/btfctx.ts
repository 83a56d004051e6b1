/**
 * Contexts described by the kernel's BTF: the arguments of the function, tracepoint, hook or
 * operation that a program attaches to (btf_ctx_access()).
 */

import type { Btf, BtfFuncProto, BtfType } from '../../btf/index.ts';
import { isComposite, isEnum } from '../../btf/index.ts';
import type { Env } from '../env/env.ts';
import { ATTACH, PROG } from '../kinds.ts';
import * as R from '../state/regtype.ts';
import type { CtxField } from './access.ts';
import { skipModifiers } from './btfwalk.ts';

const MAX_ERRNO = 4095;
const MAX_ARGS = 12;
const boolHooks = new Set(['bpf_lsm_audit_rule_known', 'bpf_lsm_inode_xattr_skipcap']);

/** The program reads its context as a row of BTF-typed arguments. */
export function usesBtfContext(env: Env): boolean {
  const { type } = env.input;
  return type === PROG.TRACING || type === PROG.LSM || type === PROG.STRUCT_OPS;
}

/** Values that the attached function can return, where the program sees or gives it. */
export function funcRetRange(env: Env): readonly [number, number] | undefined {
  const { type, expectedAttachType } = env.input;
  if (type !== PROG.LSM || expectedAttachType !== ATTACH.LSM_MAC || env.attachReturnsVoid) return undefined;
  return boolHooks.has(env.attachName) ? [0, 1] : [-MAX_ERRNO, 0];
}

/** Bytes of context that one argument takes. */
function slotsOf(btf: Btf, typeId: number): number {
  const t = skipModifiers(btf, typeId);
  return t.kind === 'ptr' || !('size' in t) ? 8 : Math.ceil(t.size / 8) * 8;
}

/** Argument that lies at an offset; one past the last is the return value. */
function argIndex(btf: Btf, proto: BtfFuncProto, off: number): number {
  let end = 0;
  for (const [n, param] of proto.params.entries()) {
    end += slotsOf(btf, param.type);
    if (off < end) return n;
  }
  return off < end + slotsOf(btf, proto.type) ? proto.params.length : proto.params.length + 1;
}

const isSmallInt = (t: BtfType): boolean => t.kind === 'int' && t.bits <= 64;

/** A pointer to a number is a number. */
function isIntPointer(btf: Btf, ptr: BtfType & { kind: 'ptr' }): boolean {
  return skipModifiers(btf, ptr.type).kind === 'int';
}

const article: Readonly<Record<string, string>> = {
  struct: 'STRUCT',
  union: 'UNION',
  int: 'INT',
  enum: 'ENUM',
  enum64: 'ENUM64',
  ptr: 'PTR',
  void: 'UNKNOWN',
  func_proto: 'FUNC_PROTO',
  array: 'ARRAY',
  fwd: 'FWD',
  typedef: 'TYPEDEF',
  float: 'FLOAT',
};
export const kindText = (kind: string): string => article[kind] ?? kind.toUpperCase();

/** Type of the value at an offset and its number; undefined where there is none. */
function valueAt(
  env: Env,
  btf: Btf,
  proto: BtfFuncProto,
  off: number,
): { typeId: number; index: number; isReturn: boolean } | undefined {
  const { expectedAttachType: eat } = env.input;
  const say = (text: string): undefined => {
    env.say(`func '${env.attachName}' ${text}`);
    return undefined;
  };
  if (off % 8) return say(`offset ${off} is not multiple of 8`);
  const index = argIndex(btf, proto, off);
  // a tracepoint's prototype begins with its private data
  const params = eat === ATTACH.TRACE_RAW_TP ? proto.params.slice(1) : proto.params;
  const missing = (): undefined => say(`doesn't have ${index + 1}-th argument`);
  const param = params[index];
  if (param) return { typeId: param.type, index, isReturn: false };
  if (index > params.length) return missing();
  if (eat === ATTACH.MODIFY_RETURN) {
    const t = skipModifiers(btf, proto.type);
    if (!isSmallInt(t)) {
      env.say(`ret type ${kindText(t.kind)} not allowed for fmod_ret`);
      return undefined;
    }
  } else if (eat !== ATTACH.LSM_MAC && eat !== ATTACH.LSM_CGROUP && eat !== ATTACH.TRACE_FEXIT) return missing();
  return { typeId: proto.type, index, isReturn: true };
}

/** @returns undefined where the access is not valid */
export function btfContextAccess(env: Env, off: number, size: number, write: boolean): CtxField | undefined {
  if (off < 0 || off >= 8 * MAX_ARGS || write || off % size !== 0) return undefined;
  const { attachProto: proto, attachBtf: btf, attachName: name } = env;
  if (!proto || !btf) return undefined;
  const value = valueAt(env, btf, proto, off);
  if (!value) return undefined;
  const scalar: CtxField = { type: R.SCALAR_VALUE, fieldSize: 0 };
  const t = skipModifiers(btf, value.typeId);
  if (isSmallInt(t) || isEnum(t) || isComposite(t)) {
    const retRange = value.isReturn ? funcRetRange(env) : undefined;
    return retRange ? { ...scalar, retRange } : scalar;
  }
  const say = (text: string): undefined => {
    env.say(`func '${name}' ${text}`);
    return undefined;
  };
  if (t.kind !== 'ptr')
    return say(`arg${value.index} '${t.name}' has type ${kindText(t.kind)}. Only pointer access is allowed`);
  if (size !== 8) return say(`size ${size} must be 8`);
  const info = env.ctxArgInfo?.(off);
  if (info && R.baseType(info.type) === R.PTR_TO_BUF) return { type: info.type, fieldSize: 0 };
  if (t.type === 0 || isIntPointer(btf, t)) return scalar;
  if (info) return { type: info.type, fieldSize: 0, btf: info.btf ?? btf, btfId: info.btfId ?? 0 };
  let type = R.PTR_TO_BTF_ID;
  if (trustsArguments(env)) type |= R.PTR_TRUSTED;
  if (env.isNullableArg?.(value.index)) type |= R.PTR_MAYBE_NULL;
  const first = btf.typeById(t.type);
  if (first.kind === 'type_tag' && first.name === 'user') type |= R.MEM_USER;
  if (first.kind === 'type_tag' && first.name === 'percpu') type |= R.MEM_PERCPU;
  const target = skipModifiers(btf, t.type);
  if (!isComposite(target)) return say(`arg${value.index} type ${kindText(target.kind)} is not a struct`);
  say(`arg${value.index} has btf_id ${target.id} type ${kindText(target.kind)} '${target.name}'`);
  return { type, fieldSize: 0, btf, btfId: promoted(env, btf, target.id) };
}

/** TCP congestion control is given its sockets as TCP sockets. */
function promoted(env: Env, btf: Btf, id: number): number {
  if (env.attachStruct !== 'tcp_congestion_ops' || btf.typeById(id).name !== 'sock') return id;
  return btf.findByName('tcp_sock', 'struct') || id;
}

/** `prog_args_trusted` */
function trustsArguments(env: Env): boolean {
  const { type, expectedAttachType: eat } = env.input;
  switch (type) {
    case PROG.TRACING:
      return eat === ATTACH.TRACE_RAW_TP || eat === ATTACH.TRACE_ITER;
    case PROG.LSM:
      return !untrustedHooks.has(env.attachName);
    case PROG.STRUCT_OPS:
      return true;
    default:
      return false;
  }
}
const untrustedHooks = new Set([
  'bpf_lsm_bpf_map_free',
  'bpf_lsm_bpf_prog_free',
  'bpf_lsm_file_alloc_security',
  'bpf_lsm_file_free_security',
  'bpf_lsm_sk_alloc_security',
  'bpf_lsm_sk_free_security',
  'bpf_lsm_task_free',
]);
