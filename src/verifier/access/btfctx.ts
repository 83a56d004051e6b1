/**
 * Contexts described by the kernel's BTF: the arguments of the function, tracepoint, hook or
 * operation that a program attaches to (btf_ctx_access()).
 */
import type { BtfFuncProto } from '../../btf/index.ts';
import { isComposite, isEnum } from '../../btf/index.ts';
import { ATTACH, PROG } from '../kinds.ts';
import * as R from '../state/regtype.ts';
import type { Env } from '../walk/env.ts';
import { skipModifiers } from './btfwalk.ts';
import type { CtxField } from './ctx.ts';

const MAX_ERRNO = 4095;
const boolHooks = new Set(['bpf_lsm_audit_rule_known', 'bpf_lsm_inode_xattr_skipcap']);

/** The program reads its context as a row of BTF-typed arguments. */
export function usesBtfContext(env: Env): boolean {
  const { type } = env.input;
  return type === PROG.TRACING || type === PROG.LSM || type === PROG.STRUCT_OPS || ((type === PROG.RAW_TRACEPOINT || type === PROG.RAW_TRACEPOINT_WRITABLE) && env.attachProto !== undefined);
}

/** Values that the attached function can return, where the program sees or gives it. */
export function funcRetRange(env: Env): readonly [number, number] | undefined {
  const { type, expectedAttachType } = env.input;
  if (type !== PROG.LSM || expectedAttachType !== ATTACH.LSM_MAC || env.attachReturnsVoid) return undefined;
  return boolHooks.has(env.attachName) ? [0, 1] : [-MAX_ERRNO, 0];
}

/** Tracepoint arguments that may be null although BTF does not say so. */
const mayBeNull: ReadonlyMap<string, number> = new Map();

interface Arg {
  readonly typeId: number;
  readonly index: number;
  readonly isReturn: boolean;
}

function argAt(env: Env, proto: BtfFuncProto, off: number, size: number): Arg | undefined {
  const { type, expectedAttachType: eat } = env.input;
  if (off % 8) {
    env.say(`func '${env.attachName}' offset ${off} is not multiple of 8`);
    return undefined;
  }
  // a tracepoint's prototype begins with its private data
  const params = type === PROG.RAW_TRACEPOINT || (type === PROG.TRACING && eat === ATTACH.TRACE_RAW_TP) ? proto.params.slice(1) : proto.params;
  const index = off / 8;
  const isReturn = index === params.length && (eat === ATTACH.TRACE_FEXIT || eat === ATTACH.MODIFY_RETURN || (type === PROG.LSM && eat !== ATTACH.TRACE_ITER));
  if (isReturn) {
    if (type === PROG.LSM && env.attachReturnsVoid) return undefined;
    if (proto.type === 0 && eat === ATTACH.TRACE_FEXIT) return { typeId: 0, index, isReturn };
    return { typeId: proto.type, index, isReturn };
  }
  const param = params[index];
  if (!param) {
    env.say(`func '${env.attachName}' doesn't have ${index + 1}-th argument`);
    return undefined;
  }
  void size;
  return { typeId: param.type, index, isReturn };
}

const article: Readonly<Record<string, string>> = { struct: 'STRUCT', union: 'UNION', int: 'INT', enum: 'ENUM', enum64: 'ENUM64', ptr: 'PTR', void: 'UNKNOWN', func_proto: 'FUNC_PROTO', array: 'ARRAY', fwd: 'FWD', typedef: 'TYPEDEF', float: 'FLOAT' };
export const kindText = (kind: string): string => article[kind] ?? kind.toUpperCase();

/** @returns undefined where the access is not valid */
export function btfContextAccess(env: Env, off: number, size: number, write: boolean): CtxField | undefined {
  if (off < 0 || off >= 8 * 12 + (env.input.type === PROG.STRUCT_OPS ? 0 : 0) || write || off % size !== 0) return undefined;
  const proto = env.attachProto;
  const btf = env.attachBtf;
  if (!proto || !btf) return undefined;
  const arg = argAt(env, proto, off, size);
  if (!arg) return undefined;
  const scalar: CtxField = { type: R.SCALAR_VALUE, fieldSize: 0 };
  if (arg.isReturn) {
    const retRange = funcRetRange(env);
    if (retRange) return { ...scalar, retRange };
    return scalar;
  }
  const t = skipModifiers(btf, arg.typeId);
  if (t.kind === 'int' || isEnum(t)) return scalar;
  if (t.kind !== 'ptr') {
    env.say(`func '${env.attachName}' arg${arg.index} '${t.name}' has type ${kindText(t.kind)}. Only pointer access is allowed`);
    return undefined;
  }
  if (size !== 8) {
    env.say(`func '${env.attachName}' size ${size} must be 8`);
    return undefined;
  }
  const info = env.ctxArgInfo?.(off);
  if (info?.memSize !== undefined || (info && R.baseType(info.type) === R.PTR_TO_BUF)) return { type: info.type, fieldSize: 0, ...(info.memSize !== undefined ? { memSize: info.memSize } : {}) };
  const first = btf.typeById(t.type);
  // a pointer to void, to a number or to a function is only a number
  const target = skipModifiers(btf, t.type);
  if (target.kind === 'void' || target.kind === 'int' || isEnum(target) || target.kind === 'ptr' || target.kind === 'func_proto' || target.kind === 'float' || target.kind === 'array') return scalar;
  if (info) return { type: info.type, fieldSize: 0, btf: info.btf ?? btf, btfId: info.btfId ?? target.id };
  let type = R.PTR_TO_BTF_ID;
  if (trustsArguments(env)) type |= R.PTR_TRUSTED;
  if (mayBeNull.has(env.attachName)) type |= R.PTR_MAYBE_NULL;
  if (first.kind === 'type_tag') {
    if (first.name === 'user') type |= R.MEM_USER;
    if (first.name === 'percpu') type |= R.MEM_PERCPU;
  }
  if (!isComposite(target)) {
    env.say(`func '${env.attachName}' arg${arg.index} type ${kindText(target.kind)} is not a struct`);
    return undefined;
  }
  env.say(`func '${env.attachName}' arg${arg.index} has btf_id ${target.id} type ${kindText(target.kind)} '${target.name}'`);
  return { type, fieldSize: 0, btf, btfId: target.id };
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
const untrustedHooks = new Set(['bpf_lsm_bpf_map_free', 'bpf_lsm_bpf_prog_free', 'bpf_lsm_file_alloc_security', 'bpf_lsm_file_free_security', 'bpf_lsm_sk_alloc_security', 'bpf_lsm_sk_free_security', 'bpf_lsm_task_free']);
